//! Tables in text: no lines, names on the left, figures on the right, at most a hundred columns.

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

/// A table of which the first `names` columns and the last `words` columns are text.
pub(crate) fn table<const N: usize>(
    header: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
    names: usize,
    words: usize,
) -> String {
    let mut table = Table::new();
    table.force_no_tty().load_style(presets::NOTHING);
    table.set_content_arrangement(ContentArrangement::Dynamic).set_width(100);
    table.set_header(header).add_rows(rows);
    for (nth, column) in table.column_iter_mut().enumerate() {
        if (names..N - words).contains(&nth) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.trim_fmt()
}
