//! better-auth, installed from its registry and started for real, through its binding. Nothing is skipped: without npm the
//! test fails and says so.

use std::path::Path;
use std::process::Command;

use targets::binding::{self, Running};

/// Starts better-auth; installs it first where that has not been done.
async fn better_auth() -> Running {
    let real = Path::new(env!("CARGO_MANIFEST_DIR")).join("../targets/real/better-auth");
    if !real.join("node_modules/.package-lock.json").exists() {
        let npm = Command::new("npm").arg("--version").output();
        assert!(
            npm.is_ok(),
            "npm is needed to install better-auth, and there is none: {:?}",
            npm.err()
        );
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../targets/bindings/better-auth.toml");
    let binding = binding::load(file).expect("the binding is right");
    Running::start(binding)
        .await
        .unwrap_or_else(|error| panic!("better-auth did not start: {error}"))
}

#[tokio::test]
async fn the_doctor_finds_the_binding_well() {
    let running = better_auth().await;
    let findings = binding::doctor(&running.target).await;
    let ill: Vec<_> = findings.iter().filter(|finding| !finding.well).collect();
    assert!(ill.is_empty(), "{ill:#?}\n{findings:#?}");
    assert!(findings.iter().any(|finding| finding.operation == "verify"), "{findings:#?}");
    running.stop().await;
}
