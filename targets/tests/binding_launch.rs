//! Starting an implementation as its binding says, and stopping it with everything that it started.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use targets::binding::{self, Binding, LaunchError, launch};

const SMTP: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 2525);

fn binding(script: &str, timeout_s: u64) -> Binding {
    let text = format!(
        r#"
name = "small"
[launch]
command = "sh"
args = ["-c", '''{script}''', "sh", "{{port}}", "{{smtp_host}}:{{smtp_port}}"]
env = {{ MAIL = "smtp://{{smtp_host}}:{{smtp_port}}" }}
ready = '^ready (?<origin>http://\S+)?'
timeout_s = {timeout_s}
[[operations.sign_in.steps]]
request = "POST /in"
outcomes = [{{ outcome = "challenged" }}]
[[operations.verify.steps]]
request = "POST /code"
outcomes = [{{ outcome = "signed-in" }}]
"#
    );
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("small.toml");
    binding::parse(&path, &text).unwrap_or_else(|error| panic!("{error:?}"))
}

#[tokio::test]
async fn ports_and_mail_are_filled_in_and_the_ready_line_gives_the_origin() {
    let script = r#"echo starting; echo "ready http://127.0.0.1:$1/$2/$MAIL"; exec sleep 60"#;
    let mut launched = launch(&binding(script, 20), SMTP).await.expect("starts");
    let origin = launched.origin().to_owned();
    assert!(origin.ends_with("/127.0.0.1:2525/smtp://127.0.0.1:2525"), "{origin}");
    let port = origin.split([':', '/']).nth(4).and_then(|port| port.parse::<u16>().ok());
    assert!(port.is_some_and(|port| port > 0), "{origin}");
    launched.stop().await;
}

#[tokio::test]
async fn without_an_origin_in_the_line_it_is_the_port_that_was_given() {
    let mut launched = launch(&binding("echo \"ready \"; exec sleep 60", 20), SMTP)
        .await
        .expect("starts");
    assert!(launched.origin().starts_with("http://127.0.0.1:"), "{}", launched.origin());
    launched.stop().await;
}

/// Starts a child of its own, names both once both are there, and does not want to leave.
fn stubborn(list: &Path, then: &str) -> String {
    let list = list.display();
    format!("trap '' TERM; sleep 61 & echo $! > {list}.new; echo $$ >> {list}.new; mv {list}.new {list}; {then}; wait; wait")
}

async fn all_leave(list: &Path) {
    let pids = std::fs::read_to_string(list).expect("has written them");
    assert_eq!(pids.lines().count(), 2);
    let all_dead = async {
        while !pids.lines().all(dead) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let in_time = tokio::time::timeout(Duration::from_secs(20), all_dead).await;
    assert!(in_time.is_ok(), "still there: {pids}");
}

#[tokio::test]
async fn what_it_started_is_stopped_with_it_even_when_it_does_not_want_to() {
    let folder = tempfile::tempdir().expect("a folder");
    let list = folder.path().join("pids");
    let mut launched = launch(&binding(&stubborn(&list, "echo ready http://x"), 20), SMTP)
        .await
        .expect("starts");
    launched.stop().await;
    all_leave(&list).await;
}

#[tokio::test]
async fn dropping_it_ends_all_of_it_also_while_it_is_starting() {
    let folder = tempfile::tempdir().expect("a folder");
    let (up, starting) = (folder.path().join("up"), folder.path().join("starting"));
    drop(
        launch(&binding(&stubborn(&up, "echo ready http://x"), 20), SMTP)
            .await
            .expect("starts"),
    );
    let never_ready = binding(&stubborn(&starting, "true"), 20);
    let is_there = async {
        while !starting.exists() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::select! {
        ended = launch(&never_ready, SMTP) => panic!("{ended:?}"),
        () = is_there => {}
    }
    tokio::join!(all_leave(&up), all_leave(&starting));
}

/// Gone, or a zombie that only waits to be counted.
fn dead(pid: &str) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|state| state.contains(") Z "))
        || !Path::new("/proc").join(pid).exists()
}

#[tokio::test]
async fn one_that_leaves_or_stays_silent_is_told_with_its_last_lines() {
    let left = launch(&binding("echo out; echo 'no such module' >&2; exit 3", 20), SMTP).await;
    let text = left.expect_err("has left").to_string();
    assert!(
        text.contains("left before it was ready") && text.contains("no such module"),
        "{text}"
    );
    let silent = launch(&binding("echo not yet; exec sleep 60", 1), SMTP).await;
    let text = silent.expect_err("is silent").to_string();
    assert!(
        text.contains("was not ready within 1 s") && text.contains("not yet"),
        "{text}"
    );
}

#[tokio::test]
async fn nothing_to_start_and_a_program_that_is_not_there() {
    let mut none = binding("", 1);
    none.launch = None;
    assert!(matches!(launch(&none, SMTP).await, Err(LaunchError::NotDescribed(_))));
    let text = r#"
name = "small"
[launch]
command = "./no-such-program"
ready = "x"
[[operations.sign_in.steps]]
request = "POST /in"
outcomes = [{ outcome = "challenged" }]
[[operations.verify.steps]]
request = "POST /code"
outcomes = [{ outcome = "signed-in" }]
"#;
    let missing = binding::parse(Path::new("./small.toml"), text).expect("loads");
    let error = launch(&missing, SMTP).await.expect_err("is not there");
    assert!(error.to_string().contains("cannot run `./no-such-program`"), "{error}");
}
