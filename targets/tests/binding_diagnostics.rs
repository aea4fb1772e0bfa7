//! What is wrong with a binding file is found when it is loaded and shown where it stands, with what to do about it.

use std::path::Path;

use miette::{Diagnostic, SourceSpan};
use targets::binding::{self, BindingDiagnostic};

/// The least that loads.
const GOOD: &str = r#"
name = "small"
capabilities = ["email"]
[mail]
code = ['\d{6}']
[[operations.sign_in.steps]]
request = "POST /in"
json = { email = "{email}" }
outcomes = [{ status = 200, json = [{ pointer = "/ok", equals = true }], outcome = "challenged" }]
[[operations.verify.steps]]
request = "POST /code/{code}"
form = { code = "{code}" }
outcomes = [{ status = 200, outcome = "signed-in" }]
"#;

fn diagnostic(text: &str) -> BindingDiagnostic {
    match binding::parse(Path::new("small.toml"), text) {
        Ok(_) => panic!("this loads:\n{text}"),
        Err(diagnostic) => *diagnostic,
    }
}

/// Writing `bad` for `good` is complained about with these words, pointing at `at`, with this help.
#[track_caller]
fn check(good: &str, bad: &str, says: &str, at: &str, help: &str) {
    assert!(GOOD.contains(good), "{good} is not in the good file");
    let text = GOOD.replacen(good, bad, 1);
    let diagnostic = diagnostic(&text);
    assert!(diagnostic.to_string().contains(says), "{diagnostic}");
    let told = diagnostic.help().map(|help| help.to_string()).unwrap_or_default();
    assert!(told.contains(help), "help: {told}");
    let label = diagnostic.labels().and_then(|mut labels| labels.next()).expect("has a place");
    assert_eq!(cut(&text, label.inner()), at);
}

fn cut<'t>(text: &'t str, span: &SourceSpan) -> &'t str {
    &text[span.offset()..span.offset() + span.len()]
}

#[test]
fn the_good_file_loads() {
    let binding = binding::parse(Path::new("small.toml"), GOOD);
    assert!(binding.is_ok(), "{:?}", binding.err());
}

#[test]
fn an_unknown_operation() {
    check(
        "operations.sign_in",
        "operations.signin",
        "unknown operation `signin`",
        "signin",
        "did you mean `sign_in`?",
    );
}

#[test]
fn an_unknown_capability() {
    check(
        "[\"email\"]",
        "[\"emial\"]",
        "unknown capability `emial`",
        "\"emial\"",
        "did you mean `email`?",
    );
}

#[test]
fn an_unknown_key() {
    check("form = ", "from = ", "unknown field `from`", "from", "did you mean `form`?");
}

#[test]
fn a_pointer_that_is_none() {
    check("\"/ok\"", "\"$.ok\"", "`$.ok` is no JSON pointer", "\"$.ok\"", "`/ok`");
    check("\"/ok\"", "\"/a~b\"", "`/a~b` is no JSON pointer", "\"/a~b\"", "`~0`");
}

#[test]
fn a_variable_that_does_not_exist_is_pointed_at_within_its_text() {
    check(
        "\"{email}\"",
        "\"to {emial}\"",
        "no variable `emial` here",
        "{emial",
        "did you mean `email`?",
    );
    check(
        "/code/{code}",
        "/code/{password}",
        "no variable `password` here",
        "{password",
        "known here: ",
    );
}

#[test]
fn a_template_that_is_none() {
    check("\"{email}\"", "\"{email\"", "not a template", "{email", "`{name?}`");
}

#[test]
fn a_pattern_that_is_none() {
    check(r"'\d{6}'", r"'(\d{6}'", "not a pattern", r"'(\d{6}'", "single quotes");
}

#[test]
fn a_request_that_tells_nothing_by_its_answer() {
    let diagnostic = diagnostic(&GOOD.replacen("outcomes = [{ status = 200, outcome = \"signed-in\" }]", "", 1));
    assert!(diagnostic.to_string().contains("without `outcomes`"), "{diagnostic}");
}

#[test]
fn a_step_does_one_thing_and_an_operation_has_one_to_five() {
    let head = "[[operations.sign_in.steps]]";
    check(
        "json = {",
        "call = \"verify\"\njson = {",
        "exactly one thing",
        head,
        "exactly one of",
    );
    let step = "[[operations.sign_out.steps]]\ncall = \"verify\"\n";
    let diagnostic = diagnostic(&format!("{GOOD}{}", step.repeat(6)));
    assert!(diagnostic.to_string().contains("6 steps"), "{diagnostic}");
}

#[test]
fn a_call_of_nothing_and_a_call_in_a_circle() {
    for (extra, says) in [
        (
            "[[operations.resend.steps]]\ncall = \"sing_in\"\n",
            "`sing_in` is no operation and no routine",
        ),
        (
            "[[operations.resend.steps]]\ncall = \"who_am_i\"\n",
            "called but not described",
        ),
        (
            "[[operations.resend.steps]]\ncall = \"a\"\n[[routines.a.steps]]\ncall = \"b\"\n[[routines.b.steps]]\ncall = \"a\"\n",
            "calls itself",
        ),
    ] {
        let diagnostic = diagnostic(&format!("{GOOD}{extra}"));
        assert!(diagnostic.to_string().contains(says), "{diagnostic}");
    }
}

#[test]
fn the_second_step_has_to_be_there() {
    let (good, _) = GOOD.split_once("[[operations.verify").expect("has it");
    assert!(diagnostic(good).to_string().contains("`operations.verify` is missing"));
}

#[test]
fn the_complaint_shows_line_and_caret() {
    let report = miette::Report::new(diagnostic(&GOOD.replacen("\"/ok\"", "\"ok\"", 1)));
    let mut shown = String::new();
    let handler = miette::GraphicalReportHandler::new_themed(miette::GraphicalTheme::unicode_nocolor());
    handler.render_report(&mut shown, report.as_ref()).expect("can be shown");
    assert!(shown.contains("small.toml:9:"), "{shown}");
    assert!(shown.contains("outcomes = ") && shown.contains("not a pointer"), "{shown}");
}
