//! The server under load: in the process and as a process, right and known-bad.

use std::path::Path;
use std::time::Duration;

use loadtest::drive::server::{Addresses, AdminClient, Child, Embedded, Options, THREADS_NAMED};
use loadtest::measure::resources::{self, Watched};
use reference_server::adapters::admin::{Seed, SeedDevice};
use targets::Native;
use tokio::net::TcpStream;

fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_stepproof-load"))
}

fn trust_token(number: u64) -> String {
    format!("tt_{number:043}")
}

fn seeds(count: u64) -> impl Iterator<Item = Seed> {
    (0..count).map(|number| Seed {
        email: format!("u{number}@example.com"),
        password: "correct horse battery".to_owned(),
        two_step: true,
        device: Some(SeedDevice {
            installation: format!("i-{number}"),
            name: "Phone".to_owned(),
            trust_token: Some(trust_token(number)),
            push_token: Some(format!("push-{number}")),
        }),
    })
}

/// Whether the trusted device of this account is signed in without a code.
async fn skips_the_step(at: &Addresses, number: u64) -> bool {
    let body = serde_json::json!({
        "email": format!("u{number}@example.com"), "password": "correct horse battery", "trust_token": trust_token(number),
        "device": {"installation": format!("i-{number}"), "name": "Phone"},
    });
    status(at, &body).await == 201
}

async fn status(at: &Addresses, body: &serde_json::Value) -> u16 {
    let authority = at.api.strip_prefix("http://").unwrap();
    let stream = TcpStream::connect(authority).await.unwrap();
    let io = hyper_util::rt::TokioIo::new(stream);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
    let connection = tokio::spawn(connection);
    let request = http::Request::post("/v1/sign-ins")
        .header("host", authority)
        .header("content-type", "application/json")
        .header("app-version", "2.3.0")
        .body(http_body_util::Full::new(bytes::Bytes::from(body.to_string())))
        .unwrap();
    let status = sender.send_request(request).await.unwrap().status().as_u16();
    connection.abort();
    status
}

#[tokio::test]
async fn in_the_process_it_has_threads_of_its_own() {
    let options = Options {
        threads: 2,
        ..Options::default()
    };
    let server = Embedded::start(&options).unwrap();
    assert_eq!(server.seed(seeds(300)).await.unwrap(), 300);
    assert!(skips_the_step(server.addresses(), 299).await);
    assert!(!skips_the_step(server.addresses(), 300).await, "nobody has that account");
    #[cfg(target_os = "linux")]
    assert!(resources::of_threads(THREADS_NAMED).is_some());
    let mut control = AdminClient::open(&server.addresses().control).await.unwrap();
    assert!(control.metrics().await.unwrap().contains("stepproof_accounts 300"));
}

#[tokio::test]
async fn as_a_process_it_is_prepared_watched_and_ended() {
    let server = Child::start_with(program(), &Options::default()).await.unwrap();
    let at = server.addresses().clone();
    assert_ne!(at.pid, std::process::id());
    // Two calls and a bit.
    assert_eq!(server.seed(seeds(10_007)).await.unwrap(), 10_007);
    assert!(skips_the_step(&at, 10_006).await);
    #[cfg(target_os = "linux")]
    assert!(resources::of_process(at.pid).unwrap().rss_mib > 1.0);
    let page = format!("{}/metrics", at.control).parse().unwrap();
    let output = resources::usage_on_page(&resources::read_page(&page).await.unwrap());
    #[cfg(target_os = "linux")]
    assert!(output.unwrap().cpu_s > 0.0, "{output:?}");
    let seen = resources::Meter::start(Watched::Page(page), Default::default).stop().await;
    assert_eq!(seen.last().unwrap().server_cpu_s.is_some(), output.is_some());
    server.stop().await.unwrap();
    let authority = at.api.strip_prefix("http://").unwrap().to_owned();
    assert!(TcpStream::connect(authority).await.is_err(), "it is gone");
}

#[tokio::test]
async fn it_comes_back_where_it_was() {
    let first = Child::start_with(program(), &Options::default()).await.unwrap();
    let api = first.addresses().api.clone();
    first.stop().await.unwrap();
    let options = Options {
        port: api.rsplit_once(':').unwrap().1.parse().unwrap(),
        ..Options::default()
    };
    let again = Child::start_with(program(), &options).await.unwrap();
    assert_eq!(again.addresses().api, api);
}

#[tokio::test]
async fn settings_and_mutants_are_what_is_served() {
    let wrong = serde_json::json!({
        "email": "u0@example.com", "password": "a wrong horse", "device": {"installation": "i", "name": "Phone"},
    });
    for (mutant, after_two) in [(None, 429), (Some("no-ip-limit".to_owned()), 401)] {
        let options = Options {
            settings: "source_wrong_limit = 2".to_owned(),
            mutant,
            ..Options::default()
        };
        let server = Embedded::start(&options).unwrap();
        server.seed(seeds(1)).await.unwrap();
        for _ in 0..2 {
            assert_eq!(status(server.addresses(), &wrong).await, 401);
        }
        assert_eq!(status(server.addresses(), &wrong).await, after_two, "{:?}", options.mutant);
    }
}

#[tokio::test]
async fn codes_go_where_they_were_pointed() {
    let fakes = targets::fakes::Fakes::start(targets::fakes::FakeAddresses::default(), Native::patterns())
        .await
        .unwrap();
    let options = Options {
        push: Some(fakes.fcm.url()),
        email: Some(fakes.smtp.url()),
        ..Options::default()
    };
    let server = Embedded::start(&options).unwrap();
    server.seed(seeds(1)).await.unwrap();
    let cursor = fakes.deliveries.cursor();
    let new = serde_json::json!({
        "email": "u0@example.com", "password": "correct horse battery", "device": {"installation": "new", "name": "New"},
    });
    assert_eq!(status(server.addresses(), &new).await, 202);
    let pushed = || fakes.deliveries.since(cursor).iter().any(|message| message.to == "push-0");
    let came = async {
        while !pushed() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), came).await.unwrap();
}

#[tokio::test]
async fn what_cannot_be_is_told_before_anything_starts() {
    let options = |change: fn(&mut Options)| {
        let mut options = Options::default();
        change(&mut options);
        options
    };
    for (options, says) in [
        (options(|it| it.mutant = Some("nobody".to_owned())), "no mutant `nobody`"),
        (options(|it| it.settings = "sauce_limit = 3".to_owned()), "sauce_limit"),
        (options(|it| it.push = Some("https://127.0.0.1:1".to_owned())), "http://"),
        (options(|it| it.email = Some("nowhere".to_owned())), "`nowhere` is no URL"),
    ] {
        let fault = Child::start_with(program(), &options).await.err().unwrap().to_string();
        assert!(fault.contains(says), "{fault}");
    }
    let fault = Child::start_with(Path::new("/nowhere/at-all"), &Options::default())
        .await
        .err()
        .unwrap();
    assert!(fault.to_string().contains("/nowhere/at-all"), "{fault}");
    let fault = AdminClient::open("https://127.0.0.1:1").await.err().unwrap();
    assert!(fault.to_string().contains("an origin such as"), "{fault}");
}
