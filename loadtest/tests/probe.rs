//! A target that delivers elsewhere is told before the storm, not as journeys without a code.

use std::path::Path;
use std::process::Command;

use loadtest::drive::server::{Child, Options};

const STORM: &str = r#"
name = "few"
title = "A few people on new devices"
seconds = 2
[[parties]]
name = "few"
journey = "new-device"
device = "push-off"
accounts = 3
arrivals = { rate = 2 }
[slo]
objectives = [{ success = 0.9 }]
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_that_delivers_elsewhere_is_told_within_seconds() {
    let program = env!("CARGO_BIN_EXE_stepproof-load");
    // Nobody hears of its messages.
    let server = Child::start_with(Path::new(program), &Options::default()).await.unwrap();
    let directory = tempfile::TempDir::new().unwrap();
    let storm = directory.path().join("few.toml");
    std::fs::write(&storm, STORM).unwrap();
    let mut load = Command::new(program);
    load.arg("storm")
        .arg(&storm)
        .args(["--quiet", "--target", &server.addresses().api]);
    load.arg("--report").arg(directory.path());
    let output = tokio::task::spawn_blocking(move || load.output()).await.unwrap().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{told}");
    assert!(
        told.contains("no code arrived within 10s") && told.contains("smtp://127.0.0.1:"),
        "{told}"
    );
    server.stop().await.unwrap();
}
