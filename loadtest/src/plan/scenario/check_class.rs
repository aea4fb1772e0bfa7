//! Whether the classes of a scenario can come.

use std::collections::HashSet;

use super::check::{Faults, Key, MAX_SECONDS};
use super::{DeviceKind, Flow, Scenario, Shape, UserClass};

/// As many classes as there are ranges of source addresses for.
const MAX_CLASSES: usize = 64;

/// Rounding of times that were multiplied.
const ROUNDING: f64 = 1e-6;

pub(super) fn classes(scenario: &Scenario, found: &mut Faults) {
    if scenario.classes.is_empty() || scenario.classes.len() > MAX_CLASSES {
        let what = format!("there are {} classes", scenario.classes.len());
        found.add(
            &[],
            "classes",
            what,
            format!("a storm has 1 to {MAX_CLASSES} classes: `[[classes]]`"),
        );
    }
    let mut names = HashSet::new();
    for (nth, class) in scenario.classes.iter().enumerate() {
        let place = [Key::Name("classes"), Key::Nth(nth)];
        if class.name.trim().is_empty() || !names.insert(class.name.as_str()) {
            let what = format!("there is another class `{}`, or the name is empty", class.name);
            found.add(&place, "name", what, "each class has a name of its own in reports");
        }
        arrivals(class, scenario, &place, found);
        accounts(class, scenario, &place, found);
        flow(class, &place, found);
        found.range(&place, "patience_s", class.patience_s, f64::MIN_POSITIVE, MAX_SECONDS);
        found.range(
            &place,
            "code_patience_s",
            class.code_patience_s,
            f64::MIN_POSITIVE,
            MAX_SECONDS,
        );
        found.range(&place, "sources", f64::from(class.sources), 0.0, 65_000.0);
        found.range(&place, "tries", f64::from(class.tries), 1.0, 10_000.0);
        if let Some(retry) = class.retry {
            let place = [place.as_slice(), &[Key::Name("retry")]].concat();
            found.range(&place, "attempts", f64::from(retry.attempts), 1.0, 1000.0);
            found.range(&place, "delay_s", retry.delay_s, 0.0, MAX_SECONDS);
        }
    }
}

fn arrivals(class: &UserClass, scenario: &Scenario, place: &[Key], found: &mut Faults) {
    let arrivals = &class.arrivals;
    let place = [place, &[Key::Name("arrivals")]].concat();
    found.range(&place, "rate", arrivals.rate, f64::MIN_POSITIVE, 1e6);
    found.range(&place, "from_s", arrivals.from_s, 0.0, scenario.seconds);
    let rest = scenario.seconds - arrivals.from_s;
    if rest <= 0.0 {
        let what = format!("`{}` begins at {}, when the storm is over", class.name, arrivals.from_s);
        found.add(&place, "from_s", what, format!("the storm has {} seconds", scenario.seconds));
    }
    if let Some(lasts) = arrivals.for_s {
        found.range(&place, "for_s", lasts, f64::MIN_POSITIVE, MAX_SECONDS);
        if lasts > rest + ROUNDING {
            let what = format!(
                "`{}` comes until {}, beyond the storm's end",
                class.name,
                arrivals.from_s + lasts
            );
            found.add(
                &place,
                "for_s",
                what,
                "leave `for_s` out to come until the end, or make the storm longer",
            );
        }
    }
    let lasts = arrivals.for_s.unwrap_or(rest);
    let place = [place.as_slice(), &[Key::Name("shape")]].concat();
    match &arrivals.shape {
        Shape::Flat => {}
        Shape::Ramp { from, to } => {
            found.range(&place, "from", *from, 0.0, 1e6);
            found.range(&place, "to", *to, 0.0, 1e6);
        }
        Shape::Spike {
            at_s,
            height,
            half_life_s,
        } => {
            found.range(&place, "at_s", *at_s, 0.0, lasts.max(0.0));
            found.range(&place, "height", *height, 1.0, 1e6);
            found.range(&place, "half_life_s", *half_life_s, f64::MIN_POSITIVE, MAX_SECONDS);
        }
        Shape::Sine { swing, period_s } => {
            found.range(&place, "swing", *swing, 0.0, 1.0);
            if let Some(period) = period_s {
                found.range(&place, "period_s", *period, f64::MIN_POSITIVE, MAX_SECONDS);
            }
        }
        Shape::Replay { each_s, .. } => found.range(&place, "each_s", *each_s, f64::MIN_POSITIVE, MAX_SECONDS),
    }
}

fn accounts(class: &UserClass, scenario: &Scenario, place: &[Key], found: &mut Faults) {
    if let Some(accounts) = class.accounts {
        found.range(place, "accounts", accounts as f64, 1.0, 1e8);
    }
    let Some(owner) = &class.accounts_of else {
        if class.attacker {
            let what = format!("`{}` attacks, and has no accounts of its own to attack", class.name);
            found.add(
                place,
                "attacker",
                what,
                "name the class whose accounts it is after: `accounts_of = \"…\"`",
            );
        }
        return;
    };
    let owners = || {
        let own = scenario.classes.iter().filter(|other| other.accounts_of.is_none());
        own.map(|other| other.name.as_str())
    };
    if !owners().any(|name| name == owner) {
        let what = format!("there is no class `{owner}` with accounts of its own");
        let known = owners().collect::<Vec<_>>().join(", ");
        found.add(place, "accounts_of", what, format!("those of this storm are: {known}"));
    }
}

fn flow(class: &UserClass, place: &[Key], found: &mut Faults) {
    let attack = matches!(class.flow, Flow::StuffPasswords | Flow::GuessCodes | Flow::HammerResend);
    if attack != class.attacker && class.flow != Flow::Own {
        let (what, hint) = match attack {
            true => (
                "is what an attacker does",
                "say `attacker = true`, so that it is judged by what it did not achieve",
            ),
            false => (
                "is nothing that an attacker does",
                "`stuff-passwords`, `guess-codes` or `hammer-resend`, or no `attacker`",
            ),
        };
        found.add(place, "flow", format!("`{}` {what}", class.flow.name()), hint);
    }
    let new = matches!(
        class.flow,
        Flow::NewDevice | Flow::Resend | Flow::WrongThenRight | Flow::SubmitTwice
    );
    if new && class.device == DeviceKind::Trusted {
        let what = format!(
            "`{}` is walked with a new device: a trusted one needs no code",
            class.flow.name()
        );
        found.add(
            place,
            "device",
            what,
            "`new`, `old-app` or `push-off`, or the flow `trusted-sign-in`",
        );
    }
    if !new && !attack && class.device == DeviceKind::OldApp {
        let what = format!(
            "`{}` is walked with a trusted device, and `old-app` is a new one",
            class.flow.name()
        );
        found.add(place, "device", what, "leave `device` out, or take the flow `new-device`");
    }
}
