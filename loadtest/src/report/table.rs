//! Tables in text: cells made printable, no lines, names on the left, figures on the right, at most a hundred columns.

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use targets::text::printable;

/// A table of which the first `names` columns and the last `words` columns are text.
pub(crate) fn table<const N: usize>(
    header: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
    names: usize,
    words: usize,
) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_content_arrangement(ContentArrangement::Dynamic).set_width(100);
    let rows = rows.into_iter().map(|row| row.map(|cell| printable(&cell).into_owned()));
    table.set_header(header).add_rows(rows);
    for (nth, column) in table.column_iter_mut().enumerate() {
        if (names..N - words).contains(&nth) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.trim_fmt()
}

/// Breaks lines at blanks; what follows is indented.
pub(crate) fn wrapped(words: &str, width: usize) -> String {
    let indent = words.len() - words.trim_start().len() + 2;
    let (mut lines, mut line) = (Vec::new(), " ".repeat(indent - 2));
    let mut empty = true;
    for word in words.split_whitespace() {
        if !empty && line.chars().count() + 1 + word.chars().count() > width {
            lines.push(std::mem::replace(&mut line, " ".repeat(indent)));
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        line.push_str(word);
        empty = false;
    }
    lines.push(line);
    lines.join("\n")
}
