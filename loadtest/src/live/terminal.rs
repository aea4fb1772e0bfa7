//! A storm at a terminal: redrawn in place where standard error is one, else a plain line now and then, which logs can bear.

use std::io::Write;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{LiveFrame, LiveState};

/// Storm seconds between two plain lines.
const PLAIN_EVERY_S: f64 = 5.0;

/// Shows a storm until `finished`: redrawn in place. `seconds` is how long people come for, and the bar's length.
pub async fn redrawn(state: &LiveState, title: &str, seconds: f64, finished: impl Future<Output = ()>) {
    let bar = ProgressBar::with_draw_target(Some(millis(seconds)), ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{prefix}\n{msg}\n{wide_bar}") {
        bar.set_style(style);
    }
    bar.set_prefix(title.to_owned());
    each_frame(state, finished, |frame| {
        bar.set_message(picture(frame));
        bar.set_position(millis(frame.at_s.min(seconds)));
    })
    .await;
    bar.finish_and_clear();
}

/// Shows a storm until `finished`: a plain line for every five seconds of the storm.
pub async fn plain(state: &LiveState, mut to: impl Write, finished: impl Future<Output = ()>) {
    let mut next_s = PLAIN_EVERY_S;
    each_frame(state, finished, |frame| {
        if frame.at_s >= next_s {
            next_s = (frame.at_s / PLAIN_EVERY_S).floor() * PLAIN_EVERY_S + PLAIN_EVERY_S;
            // When nobody reads any more, the storm goes on.
            let _ = writeln!(to, "{}", line(frame));
        }
    })
    .await;
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
    let phase = if frame.phase.is_empty() {
        String::new()
    } else {
        format!(" {}", frame.phase)
    };
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
    let phase = if frame.phase.is_empty() {
        String::new()
    } else {
        format!("   {}", frame.phase)
    };
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

fn ms(milliseconds: Option<f64>) -> String {
    milliseconds.map_or_else(|| "–".to_owned(), crate::report::words::ms)
}

fn millis(seconds: f64) -> u64 {
    u64::try_from(Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or_default().as_millis()).unwrap_or(u64::MAX)
}
