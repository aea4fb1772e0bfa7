//! The reference server passes every check.

use std::sync::Arc;
use std::time::Instant;

use conformance::checks;
use conformance::context::{Addresses, Context};
use conformance::embedded::Embedded;

#[tokio::test(flavor = "multi_thread")]
async fn the_reference_server_passes_every_check() {
    let mut wrong = Vec::new();
    for check in checks::all() {
        let start = Instant::now();
        let target = Embedded::start(None).await.unwrap();
        let mut cx = Context::new(Arc::new(target), [7; 32], Addresses::default());
        let ending = (check.run)(&mut cx).await;
        println!("{:8.1} ms  {}", start.elapsed().as_secs_f64() * 1000.0, check.id);
        if let Err(stop) = ending {
            wrong.push(format!("{}: {stop:?}", check.id));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
