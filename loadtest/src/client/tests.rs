//! Lines against servers that do one thing each.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use targets::{Operation, Outcome, Refusal};

use super::*;
use crate::record::Reconnects;

const WHO: &str =
    r#"{"account":{"id":"a","email":"\u0061@x.test","two_step":true},"device":{"id":"d\"1","name":"n","trusted":true}}"#;

/// What a server does with a connection, once it read a request.
type Serve = fn(&mut TcpStream);

/// A server that serves each connection in turn by the next of these, and tells who came.
fn server(serves: Vec<Serve>) -> (SocketAddr, Receiver<SocketAddr>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (came, who) = channel();
    std::thread::spawn(move || {
        for serve in serves {
            let (mut connection, peer) = listener.accept().unwrap();
            came.send(peer).unwrap();
            serve(&mut connection);
        }
    });
    (address, who)
}

/// Reads a request that has no body; nothing at the end of the connection.
fn request(connection: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    let mut one = [0];
    while !bytes.ends_with(b"\r\n\r\n") {
        if connection.read(&mut one).ok()? == 0 {
            return None;
        }
        bytes.extend_from_slice(&one);
    }
    String::from_utf8(bytes).ok()
}

fn answer(connection: &mut TcpStream, status: &str, headers: &str, body: &str) {
    let length = body.len();
    write!(
        connection,
        "HTTP/1.1 {status}\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
    )
    .unwrap();
}

fn once(connection: &mut TcpStream) {
    request(connection);
    answer(connection, "200 OK", "", WHO);
}

fn always(connection: &mut TcpStream) {
    while request(connection).is_some() {
        answer(connection, "200 OK", "", WHO);
    }
}

fn nothing(connection: &mut TcpStream) {
    request(connection);
}

async fn lines(address: SocketAddr) -> Lines {
    let waits = Waits {
        connect: Duration::from_secs(20),
        answer: Duration::from_secs(20),
    };
    Lines::native(&format!("http://{address}"), waits).await.unwrap()
}

/// Lines of which one connection stands at a time.
async fn one_at_a_time(address: SocketAddr) -> Lines {
    let origin = format!("http://{address}");
    Lines::native_within(&origin, Waits::default(), Some(1)).await.unwrap()
}

async fn who(line: &mut Line) -> Reply {
    line.perform(&mut Phone::new("i", "n"), Operation::WhoAmI {}).await
}

#[tokio::test]
async fn a_connection_is_kept_until_it_is_closed() {
    let (address, came) = server(vec![always, always]);
    let mut line = lines(address).await.open(None);
    for _ in 0..3 {
        let reply = who(&mut line).await;
        assert_eq!(reply.outcome, Ok(Outcome::Done));
        assert_eq!(reply.facts.device_id.as_deref(), Some("d\"1"));
    }
    assert_eq!(came.try_iter().count(), 1);
    line.close();
    assert_eq!(who(&mut line).await.outcome, Ok(Outcome::Done));
    assert_eq!(came.try_iter().count(), 1);
}

#[tokio::test]
async fn a_request_that_was_written_is_not_sent_again() {
    let (address, came) = server(vec![nothing, always]);
    let mut line = lines(address).await.open(None);
    let outcome = who(&mut line).await.outcome;
    assert!(matches!(outcome, Err(Unanswered::Lost(_))), "{outcome:?}");
    assert_eq!(came.try_iter().count(), 1);
    assert_eq!(who(&mut line).await.outcome, Ok(Outcome::Done));
}

/// Serves one request, and leaves at the next as soon as it has read it.
fn leaves_at_the_second(connection: &mut TcpStream) {
    once(connection);
    request(connection);
}

/// What the second of two operations on one connection, which the server leaves unanswered, comes to: its outcome, how many
/// connections were opened, and what was counted.
async fn second(leaves: Serve, operation: Operation) -> (Result<Outcome, Unanswered>, usize, Reconnects) {
    let (address, came) = server(vec![leaves, always]);
    let lines = lines(address).await;
    let mut line = lines.open(None);
    assert_eq!(who(&mut line).await.outcome, Ok(Outcome::Done));
    let reply = line.perform(&mut Phone::new("i", "n"), operation).await;
    (reply.outcome, came.try_iter().count(), lines.reconnects().unwrap())
}

#[tokio::test]
async fn what_changes_nothing_is_asked_again_where_a_kept_connection_ends_without_a_byte() {
    let (outcome, connections, counted) = second(leaves_at_the_second, Operation::WhoAmI {}).await;
    assert_eq!((outcome, connections), (Ok(Outcome::Done), 2));
    assert_eq!((counted.repeated, counted.in_doubt), (1, 0));
}

#[tokio::test]
async fn what_may_have_changed_something_is_never_doubled() {
    let code = "123456".to_owned();
    for operation in [
        Operation::Verify { code },
        Operation::SignOut {},
        Operation::RegisterPush { token: String::new() },
    ] {
        let (outcome, connections, counted) = second(leaves_at_the_second, operation).await;
        assert!(matches!(outcome, Err(Unanswered::Lost(_))), "{outcome:?}");
        assert_eq!(connections, 1);
        assert_eq!((counted.repeated, counted.in_doubt), (0, 1));
    }
}

#[tokio::test]
async fn an_answer_that_broke_off_is_the_services_and_not_asked_for_again() {
    let breaks_off = |connection: &mut TcpStream| {
        once(connection);
        request(connection);
        write!(connection, "HTTP/1.1 200").unwrap();
    };
    let (outcome, connections, counted) = second(breaks_off, Operation::WhoAmI {}).await;
    assert!(matches!(outcome, Err(Unanswered::Lost(_))), "{outcome:?}");
    assert_eq!((connections, counted), (1, Reconnects::default()));
}

#[tokio::test]
async fn where_connections_are_few_an_idle_one_makes_room() {
    let (address, came) = server(vec![always, always, always]);
    let lines = one_at_a_time(address).await;
    let mut phones = [lines.open(None), lines.open(None)];
    for phone in [0, 1, 0] {
        for opened in [1, 0] {
            assert_eq!(who(&mut phones[phone]).await.outcome, Ok(Outcome::Done));
            assert_eq!(came.try_iter().count(), opened, "it is kept while nobody needs the room");
        }
    }
    assert_eq!(lines.waited_for_connections(), Some((0, 1)));
    assert_eq!(lines.reconnects(), Some(Reconnects::default()), "nobody but us closed any");
}

#[tokio::test]
async fn where_all_connections_are_in_use_the_next_phone_waits_and_is_counted() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let lines = one_at_a_time(listener.local_addr().unwrap()).await;
    let (asked, hears) = tokio::sync::oneshot::channel();
    let (go_on, waits) = channel();
    let serving = std::thread::spawn(move || {
        let mut first = listener.accept().unwrap().0;
        request(&mut first);
        asked.send(()).unwrap();
        waits.recv().unwrap();
        answer(&mut first, "200 OK", "", WHO);
        once(&mut listener.accept().unwrap().0);
        // Closed as soon as it was answered: the other waited for its room.
        assert_eq!(request(&mut first), None);
    });
    let (mut one, mut other) = (lines.open(None), lines.open(None));
    let mut first = Box::pin(who(&mut one));
    tokio::select! {
        reply = &mut first => panic!("answered too early: {reply:?}"),
        asked = hears => asked.unwrap(),
    }
    let mut second = Box::pin(who(&mut other));
    assert!(std::future::poll_fn(|cx| std::task::Poll::Ready(second.as_mut().poll(cx).is_pending())).await);
    assert_eq!(lines.waited_for_connections(), Some((1, 1)));
    go_on.send(()).unwrap();
    let (first, second) = tokio::join!(first, second);
    assert_eq!((first.outcome, second.outcome), (Ok(Outcome::Done), Ok(Outcome::Done)));
    serving.join().unwrap();
}

#[tokio::test]
async fn an_answer_has_to_come_in_time_and_where_nobody_listens_nothing_is_sent() {
    let (address, _came) = server(vec![|connection| while request(connection).is_some() {}]);
    let waits = Waits {
        answer: Duration::from_secs(1),
        ..Waits::default()
    };
    let slow = Lines::native(&format!("http://{address}"), waits).await.unwrap();
    let outcome = who(&mut slow.open(None)).await.outcome;
    assert!(
        matches!(&outcome, Err(Unanswered::Lost(why)) if why.contains("1000 ms")),
        "{outcome:?}"
    );
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let outcome = who(&mut lines(free).await.open(None)).await.outcome;
    assert!(matches!(outcome, Err(Unanswered::NotSent(_))), "{outcome:?}");
    // Plain text where TLS is spoken.
    let (address, _came) = server(vec![|_| ()]);
    let outcome = Lines::native(&format!("https://{address}"), Waits::default()).await.unwrap();
    let outcome = who(&mut outcome.open(None)).await.outcome;
    assert!(matches!(outcome, Err(Unanswered::NotSent(_))), "{outcome:?}");
}

#[tokio::test]
async fn a_device_comes_from_its_address_and_says_what_it_holds() {
    let (address, came) = server(vec![|connection| {
        let asked = request(connection).unwrap().to_lowercase();
        let told = [
            "get /v1/session http/1.1",
            "host: 127.0.0.1:",
            "app-version: 2.3.0",
            "authorization: bearer at_1",
        ];
        let all = told.iter().all(|header| asked.contains(header));
        answer(connection, if all { "200 OK" } else { "500 Oh" }, "", WHO);
    }]);
    let source = IpAddr::V4(Ipv4Addr::new(127, 3, 2, 1));
    let mut line = lines(address).await.open(Some(source));
    let mut phone = Phone::new("i", "n");
    (phone.app_version, phone.access) = (Some("2.3.0".to_owned()), Some("at_1".to_owned()));
    assert_eq!(
        line.perform(&mut phone, Operation::WhoAmI {}).await.outcome,
        Ok(Outcome::Done)
    );
    assert_eq!(came.recv().unwrap().ip(), source);
    phone.access = Some("at\n1".to_owned());
    let outcome = line.perform(&mut phone, Operation::WhoAmI {}).await.outcome;
    assert!(matches!(outcome, Err(Unanswered::NotSent(_))), "{outcome:?}");
}

async fn check(serve: Serve, expected: Outcome) {
    let (address, _came) = server(vec![serve]);
    assert_eq!(who(&mut lines(address).await.open(None)).await.outcome, Ok(expected));
}

#[tokio::test]
async fn answers_are_classed_by_status_and_content() {
    fn problem(connection: &mut TcpStream, status: &str, headers: &str, slug: &str) {
        request(connection);
        answer(
            connection,
            status,
            headers,
            &format!(r#"{{"type":"https://stepproof.dev/problems/{slug}"}}"#),
        );
    }
    let refused = |reason| Outcome::Refused { reason };
    check(|c| problem(c, "401 No", "", "session-not-live"), refused(Refusal::Session)).await;
    check(|c| problem(c, "401 No", "", "what"), Outcome::Unrecognised).await;
    check(|c| problem(c, "503 No", "", "delivery-failed"), refused(Refusal::Unspecified)).await;
    check(|c| problem(c, "503 No", "", "unavailable"), Outcome::ServerError).await;
    let limited = |retry_after_s| Outcome::Limited { retry_after_s };
    check(|c| problem(c, "429 No", "retry-after: 17\r\n", "too-many"), limited(Some(17))).await;
    check(|c| problem(c, "429 No", "", "too-many"), limited(None)).await;
    let plain = |connection: &mut TcpStream| {
        request(connection);
        answer(connection, "502 Oh", "", "<html>");
    };
    check(plain, Outcome::ServerError).await;
    let empty = |connection: &mut TcpStream| {
        request(connection);
        answer(connection, "200 OK", "", "{}");
    };
    check(empty, Outcome::Unrecognised).await;
    let in_pieces = |connection: &mut TcpStream| {
        request(connection);
        write!(connection, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").unwrap();
        for piece in WHO.as_bytes().chunks(7) {
            write!(connection, "{:x}\r\n{}\r\n", piece.len(), String::from_utf8_lossy(piece)).unwrap();
        }
        write!(connection, "0\r\n\r\n").unwrap();
    };
    check(in_pieces, Outcome::Done).await;
}

#[tokio::test]
async fn origins_that_are_none_are_told() {
    for origin in ["", "127.0.0.1:80", "ftp://x.test", "http://"] {
        let told = Lines::native(origin, Waits::default())
            .await
            .err()
            .map(|error| error.to_string());
        assert!(
            told.as_ref().is_some_and(|told| told.contains("no origin")),
            "{origin}: {told:?}"
        );
    }
}
