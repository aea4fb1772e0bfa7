//! A storm at a terminal: redrawn in place where standard error is one, else a plain line now and then, which logs can bear.

use std::io::Write;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use targets::terminal;
use targets::text::printable;

use super::{LiveFrame, LiveState};

/// Storm seconds between two plain lines.
const PLAIN_EVERY_S: f64 = 5.0;

/// Shows a storm until `finished`, redrawn in place on standard error. `seconds` is how long people come for, and the bar's length.
pub async fn redrawn(state: &LiveState, title: &str, seconds: f64, finished: impl Future<Output = ()>) {
    let bar = bar(ProgressDrawTarget::stderr(), title, seconds);
    each_frame(state, finished, |frame| update(&bar, frame, seconds)).await;
    bar.finish_and_clear();
}

/// Shows a storm until `finished`: a plain line on standard error for every five seconds of the storm.
pub async fn plain(state: &LiveState, finished: impl Future<Output = ()>) {
    let mut lines = PlainLines::default();
    // Standard error is held for a line, not for the storm.
    each_frame(state, finished, |frame| lines.show(frame, terminal::err())).await;
}

fn bar(target: ProgressDrawTarget, title: &str, seconds: f64) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(millis(seconds)), target);
    if let Ok(style) = ProgressStyle::with_template("{prefix}\n{msg}\n{wide_bar}") {
        bar.set_style(style);
    }
    bar.set_prefix(printable(title).into_owned());
    bar
}

fn update(bar: &ProgressBar, frame: &LiveFrame, seconds: f64) {
    bar.set_position(millis(frame.at_s.min(seconds)));
    bar.set_message(picture(frame));
    // One frame a second: none of them is left out for being too soon.
    bar.force_draw();
}

struct PlainLines {
    next_s: f64,
}

impl Default for PlainLines {
    fn default() -> Self {
        Self { next_s: PLAIN_EVERY_S }
    }
}

impl PlainLines {
    fn show(&mut self, frame: &LiveFrame, mut to: impl Write) {
        if frame.at_s >= self.next_s {
            self.next_s = (frame.at_s / PLAIN_EVERY_S).floor() * PLAIN_EVERY_S + PLAIN_EVERY_S;
            // When nobody reads any more, the storm goes on.
            let _ = writeln!(to, "{}", line(frame));
        }
    }
}

async fn each_frame(state: &LiveState, finished: impl Future<Output = ()>, mut show: impl FnMut(&LiveFrame)) {
    let mut frames = state.subscribe();
    let mut finished = std::pin::pin!(finished);
    loop {
        tokio::select! {
            biased;
            changed = frames.changed() => match changed {
                Ok(()) => {
                    let frame = frames.borrow_and_update().clone();
                    show(&frame);
                }
                Err(_) => return,
            },
            () = &mut finished => return,
        }
    }
}

/// One frame in one line.
pub fn line(frame: &LiveFrame) -> String {
    let phase = phase(frame, " ");
    format!(
        "{:.0} s{phase}: {} offered, {} completed, {} broken off, {} abandoned; {} waiting, {} under way; {:.0}/s; p50 {}, p99 {}, lag p99 {}",
        frame.at_s,
        frame.offered,
        frame.completed,
        frame.broken_off,
        frame.abandoned,
        frame.waiting,
        frame.under_way,
        frame.rate_now,
        ms(frame.p50_ms),
        ms(frame.p99_ms),
        ms(frame.lag_p99_ms),
    )
}

/// One frame in a few short lines.
pub fn picture(frame: &LiveFrame) -> String {
    let phase = phase(frame, "   ");
    let mut told = format!(
        "  {:>6.0} s{phase}   {:.0} arrivals/s\n  funnel    offered {}  started {}  completed {}  broken off {}  abandoned {}\n  \
         now       waiting {}  under way {}\n  response  p50 {}  p99 {}  start lag p99 {}\n  codes     push {}  email {}",
        frame.at_s,
        frame.rate_now,
        frame.offered,
        frame.started,
        frame.completed,
        frame.broken_off,
        frame.abandoned,
        frame.waiting,
        frame.under_way,
        ms(frame.p50_ms),
        ms(frame.p99_ms),
        ms(frame.lag_p99_ms),
        frame.codes_push,
        frame.codes_email,
    );
    if frame.attacks > 0 {
        told.push_str(&format!("\n  attacks   {}", frame.attacks));
    }
    told
}

/// The phase, where there is one, after so many blanks.
fn phase(frame: &LiveFrame, blanks: &str) -> String {
    match frame.phase.as_str() {
        "" => String::new(),
        phase => format!("{blanks}{}", printable(phase)),
    }
}

fn ms(milliseconds: Option<f64>) -> String {
    milliseconds.map_or_else(|| "–".to_owned(), crate::report::words::ms)
}

fn millis(seconds: f64) -> u64 {
    u64::try_from(Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or_default().as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(at_s: f64) -> LiveFrame {
        LiveFrame {
            at_s,
            phase: "peak".to_owned(),
            offered: 1200,
            started: 1100,
            completed: 1000,
            broken_off: 20,
            abandoned: 10,
            waiting: 90,
            under_way: 80,
            rate_now: 240.0,
            p50_ms: Some(52.0),
            p99_ms: Some(1310.0),
            codes_push: 700,
            codes_email: 3,
            ..LiveFrame::default()
        }
    }

    /// Shows frames one after another, each before the next is published.
    async fn shown(at: impl IntoIterator<Item = f64>) -> String {
        let state = LiveState::default();
        let (seen, mut told) = (tokio::sync::Notify::new(), Vec::new());
        let (over, until) = tokio::sync::oneshot::channel::<()>();
        let show = each_frame(
            &state,
            async {
                let _ = until.await;
            },
            |frame| {
                told.push(frame.clone());
                seen.notify_one();
            },
        );
        let publish = async {
            for at in at {
                state.publish(frame(at));
                seen.notified().await;
            }
            drop(over);
        };
        tokio::join!(show, publish);
        let mut text = Vec::new();
        let mut plain = PlainLines::default();
        told.iter().for_each(|frame| plain.show(frame, &mut text));
        String::from_utf8(text).expect("text")
    }

    #[tokio::test]
    async fn a_plain_line_every_five_seconds_of_the_storm() {
        let text = shown((0..=17).map(|at| f64::from(at) + 0.2)).await;
        let starts: Vec<&str> = text.lines().filter_map(|line| line.split(':').next()).collect();
        assert_eq!(starts, ["5 s peak", "10 s peak", "15 s peak"]);
        assert!(text.contains("1200 offered, 1000 completed, 20 broken off, 10 abandoned; 90 waiting, 80 under way; 240/s; p50 52.0 ms, p99 1.31 s, lag p99 –"), "{text}");
    }

    #[tokio::test]
    async fn a_late_frame_is_told_once() {
        let text = shown([1.0, 23.0, 24.0, 25.0]).await;
        assert_eq!(text.lines().count(), 2, "{text}");
    }

    #[test]
    fn the_picture_has_everything_and_fits() {
        let mut frame = frame(12.0);
        frame.attacks = 7;
        let told = picture(&frame);
        for part in [
            "12 s",
            "peak",
            "240 arrivals/s",
            "offered 1200",
            "waiting 90",
            "p99 1.31 s",
            "push 700",
            "attacks   7",
        ] {
            assert!(told.contains(part), "{part} in {told}");
        }
        assert!(told.lines().all(|line| line.chars().count() <= 100));
    }

    #[test]
    fn it_is_redrawn_in_place() {
        let terminal = indicatif::InMemoryTerm::new(12, 100);
        let bar = bar(
            ProgressDrawTarget::term_like(Box::new(terminal.clone())),
            "isp-outage, seed 1",
            60.0,
        );
        update(&bar, &frame(1.0), 60.0);
        update(&bar, &frame(33.0), 60.0);
        let screen = terminal.contents();
        assert!(
            screen.contains("isp-outage, seed 1") && screen.contains("33 s") && !screen.contains("    1 s"),
            "{screen}"
        );
        assert_eq!(screen.matches("funnel").count(), 1, "{screen}");
    }
}
