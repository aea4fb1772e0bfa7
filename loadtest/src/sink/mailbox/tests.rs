use super::*;

const KEEP: Duration = Duration::from_secs(60);
const PATIENCE: Duration = Duration::from_secs(10);

fn mailbox() -> Mailbox {
    Mailbox::new(Patterns::default(), KEEP)
}

fn letter(to: &str, code: &str, at: Instant) -> Letter {
    Letter {
        code: Some(code.into()),
        at,
        ..Letter::new(Channel::Push, to)
    }
}

fn later(start: Instant, ms: u64) -> Instant {
    start + Duration::from_millis(ms)
}

fn code(letter: Option<Letter>) -> Option<String> {
    letter.and_then(|letter| letter.code).map(String::from)
}

#[tokio::test(start_paused = true)]
async fn the_challenge_tells_two_apart_and_the_device_when_no_challenge_is_named() {
    let (mailbox, start) = (mailbox(), Instant::now());
    for (code, challenge, device) in [
        ("1", Some("c1"), "A"),
        ("2", Some("c2"), "A"),
        ("3", None, "A"),
        ("4", None, "B"),
    ] {
        mailbox.post(Letter {
            challenge: challenge.map(Into::into),
            device: Some(device.into()),
            ..letter("p", code, later(start, 1))
        });
    }
    let expect = async |challenge: Option<&str>, device: &str| {
        let wanted = Wanted {
            challenge: challenge.map(Into::into),
            device: Some(device.into()),
            ..Wanted::new(vec!["p".into()], start)
        };
        code(mailbox.wait(&wanted, PATIENCE).await)
    };
    // A letter that names another challenge is never taken, whatever its device.
    assert_eq!(expect(Some("c1"), "Z").await.as_deref(), Some("1"));
    assert_eq!(expect(Some("c2"), "Z").await.as_deref(), Some("2"));
    assert_eq!(expect(Some("c9"), "B").await.as_deref(), Some("4"));
    assert_eq!(expect(Some("c9"), "A").await.as_deref(), Some("3"));
    assert_eq!(expect(None, "B").await.as_deref(), Some("4"));
    assert_eq!(expect(Some("c9"), "Z").await, None);
}

#[tokio::test(start_paused = true)]
async fn earlier_letters_and_those_taken_already_are_not_taken() {
    let (mailbox, start) = (mailbox(), Instant::now());
    mailbox.post(letter("p", "1", start));
    mailbox.post(letter("p", "2", later(start, 5)));
    mailbox.post(letter("p", "3", later(start, 9)));
    let mut wanted = Wanted::new(vec!["p".into()], start);
    let mut codes = Vec::new();
    while let Some(letter) = mailbox.wait(&wanted, PATIENCE).await {
        wanted.exclude.push(letter.number);
        codes.extend(code(Some(letter)));
    }
    assert_eq!(codes, ["3", "2"]);
}

#[tokio::test(start_paused = true)]
async fn a_letter_without_a_code_is_not_a_code_and_a_reset_is_waited_for_by_itself() {
    let (mailbox, start) = (mailbox(), Instant::now());
    mailbox.post(Letter {
        reset_token: Some("pr_1".into()),
        at: later(start, 1),
        ..Letter::new(Channel::Email, "p")
    });
    let wanted = Wanted::new(vec!["p".into()], start);
    assert_eq!(mailbox.wait(&wanted, PATIENCE).await, None);
    let reset = mailbox.wait_reset(&wanted, PATIENCE).await;
    assert_eq!(reset.and_then(|letter| letter.reset_token).as_deref(), Some("pr_1"));
}

#[tokio::test(start_paused = true)]
async fn waiting_in_vain_ends_in_time_and_leaves_nothing_behind() {
    let mailbox = mailbox();
    let begin = tokio::time::Instant::now();
    let wanted = Wanted::new(vec!["p".into(), "q".into()], Instant::now());
    assert_eq!(mailbox.wait(&wanted, PATIENCE).await, None);
    assert_eq!(begin.elapsed().as_secs(), PATIENCE.as_secs());
    assert_eq!(mailbox.waiting(), 0);
}

#[tokio::test]
async fn a_letter_wakes_those_who_wait_at_any_of_its_recipients() {
    let (mailbox, start) = (mailbox(), Instant::now());
    let waiting: Vec<_> = (0..200)
        .map(|n| {
            let mailbox = mailbox.clone();
            let wanted = Wanted::new(vec![format!("phone {n}"), format!("mail {n}")], start);
            tokio::spawn(async move { code(mailbox.wait(&wanted, PATIENCE).await) })
        })
        .collect();
    while mailbox.waiting() < 400 {
        tokio::task::yield_now().await;
    }
    for n in 0..200 {
        let to = ["phone", "mail"][n % 2];
        mailbox.post(letter(&format!("{to} {n}"), &n.to_string(), later(start, 1)));
    }
    for (n, waiting) in waiting.into_iter().enumerate() {
        assert_eq!(waiting.await.unwrap(), Some(n.to_string()));
    }
    assert_eq!(mailbox.waiting(), 0);
}

#[tokio::test]
async fn one_who_gives_up_waiting_is_struck_off() {
    let mailbox = mailbox();
    let wanted = Wanted::new(vec!["p".into()], Instant::now());
    let waiting = tokio::spawn({
        let mailbox = mailbox.clone();
        async move { mailbox.wait(&wanted, PATIENCE).await }
    });
    while mailbox.waiting() == 0 {
        tokio::task::yield_now().await;
    }
    waiting.abort();
    assert!(waiting.await.is_err());
    assert_eq!(mailbox.waiting(), 0);
}

#[test]
fn a_million_recipients_leave_as_they_age() {
    let keep = Duration::from_millis(100);
    let (mailbox, start) = (Mailbox::new(Patterns::default(), keep), Instant::now());
    let mut most = 0;
    for n in 0..1_000_000_u64 {
        let at = start + Duration::from_micros(n);
        mailbox.post(letter(&format!("person-{n}@x.test"), "012345", at));
        if n % 100_000 == 99_999 {
            most = most.max(mailbox.kept());
        }
    }
    assert!(
        (100_000..110_000).contains(&most),
        "{most} letters of the last {keep:?} of 1 µs each"
    );
    mailbox.sweep(start + Duration::from_secs(2));
    assert_eq!(mailbox.kept(), 0);
    assert_eq!(mailbox.counts().push_codes, 1_000_000);
}

#[tokio::test(start_paused = true)]
async fn of_too_many_letters_for_one_recipient_the_oldest_goes() {
    let (mailbox, start) = (mailbox(), Instant::now());
    let most = crate::sink::shard::MOST_PER_RECIPIENT;
    for n in 0..most + 100 {
        mailbox.post(letter("p", &n.to_string(), later(start, n as u64 + 1)));
        mailbox.post(letter("q", "1", later(start, 1)));
    }
    assert_eq!(mailbox.kept(), 2 * most);
    assert_eq!(mailbox.counts().crowded_out, 200);
    let mut wanted = Wanted::new(vec!["p".into()], start);
    let mut oldest = None;
    while let Some(letter) = mailbox.wait(&wanted, PATIENCE).await {
        wanted.exclude.push(letter.number);
        oldest = code(Some(letter));
    }
    assert_eq!(oldest.as_deref(), Some("100"));
    assert_eq!(wanted.exclude.len(), most);
    // Those that went before their time are not counted again when their age comes.
    mailbox.sweep(later(start, 10_000_000));
    assert_eq!(mailbox.kept(), 0);
}
