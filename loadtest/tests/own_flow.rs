//! A program with a flow of its own runs it in a storm as any other; the program without it says that it has none.

use std::path::{Path, PathBuf};
use std::process::Command;

use loadtest::measure::Step;
use loadtest::record::Record;
use targets::OperationKind;

fn example() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let program = tests.parent().and_then(Path::parent).unwrap().join("examples/own_flow");
    assert!(
        program.exists(),
        "{} is not there: cargo build -p loadtest --example own_flow (a plain cargo test builds it)",
        program.display()
    );
    program
}

fn storm(program: &Path) -> (Option<i32>, Record) {
    let report = tempfile::tempdir().unwrap();
    let output = Command::new(program)
        .args(["storm", concat!(env!("CARGO_MANIFEST_DIR"), "/examples/own_flow.toml")])
        .args(["--hash", "light", "--seed", "1", "--quiet", "--report"])
        .arg(report.path())
        .output()
        .unwrap();
    let record = std::fs::read(report.path().join("record.json"));
    let record = record.unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    (output.status.code(), serde_json::from_slice(&record).unwrap())
}

#[test]
fn a_flow_of_ones_own_is_walked_measured_and_judged() {
    let (code, record) = storm(&example());
    let class = &record.classes[0];
    assert!(
        class.funnel.completed > 5 && class.funnel.completed == class.funnel.offered,
        "{class:?}"
    );
    let looks = class
        .steps
        .iter()
        .find(|step| step.step == Step::Exchange(OperationKind::ListDevices));
    assert_eq!(looks.unwrap().service.count, 2 * class.funnel.completed);
    assert!(record.safety.operations >= 4 * class.funnel.completed && record.safety.breaches.is_empty());
    // A busy machine may have been the limit, and says so.
    assert!(code == Some(0) || code == Some(5), "{code:?}");
}

#[test]
fn a_program_without_it_says_so() {
    let (code, record) = storm(Path::new(env!("CARGO_BIN_EXE_stepproof-load")));
    let class = &record.classes[0];
    assert_eq!((class.funnel.completed, code != Some(0)), (0, true));
    assert!(
        class.complaints[0].contains("class `curious` walks a flow that this program does not have"),
        "{class:?}"
    );
}
