//! Whether the parties of a scenario can come.

use std::collections::HashSet;

use super::check::{Faults, Key, MOST_SECONDS};
use super::{DeviceKind, Journey, Party, Scenario, Shape};

/// As many parties as there are ranges of source addresses for.
const MOST_PARTIES: usize = 64;

/// Rounding of times that were multiplied.
const ROUNDING: f64 = 1e-6;

pub(super) fn parties(scenario: &Scenario, found: &mut Faults) {
    if scenario.parties.is_empty() || scenario.parties.len() > MOST_PARTIES {
        let what = format!("there are {} parties", scenario.parties.len());
        found.add(
            &[],
            "parties",
            what,
            format!("a storm has 1 to {MOST_PARTIES} parties: `[[parties]]`"),
        );
    }
    let mut names = HashSet::new();
    for (nth, party) in scenario.parties.iter().enumerate() {
        let place = [Key::Name("parties"), Key::Nth(nth)];
        if party.name.trim().is_empty() || !names.insert(party.name.as_str()) {
            let what = format!("there is another party `{}`, or the name is empty", party.name);
            found.add(&place, "name", what, "each party has a name of its own in reports");
        }
        arrivals(party, scenario, &place, found);
        accounts(party, scenario, &place, found);
        journey(party, &place, found);
        found.range(&place, "patience_s", party.patience_s, f64::MIN_POSITIVE, MOST_SECONDS);
        found.range(
            &place,
            "code_patience_s",
            party.code_patience_s,
            f64::MIN_POSITIVE,
            MOST_SECONDS,
        );
        found.range(&place, "sources", f64::from(party.sources), 0.0, 65_000.0);
        found.range(&place, "tries", f64::from(party.tries), 1.0, 10_000.0);
        if let Some(retry) = party.retry {
            let place = [place.as_slice(), &[Key::Name("retry")]].concat();
            found.range(&place, "attempts", f64::from(retry.attempts), 1.0, 1000.0);
            found.range(&place, "delay_s", retry.delay_s, 0.0, MOST_SECONDS);
        }
    }
}

fn arrivals(party: &Party, scenario: &Scenario, place: &[Key], found: &mut Faults) {
    let arrivals = &party.arrivals;
    let place = [place, &[Key::Name("arrivals")]].concat();
    found.range(&place, "rate", arrivals.rate, f64::MIN_POSITIVE, 1e6);
    found.range(&place, "from_s", arrivals.from_s, 0.0, scenario.seconds);
    let rest = scenario.seconds - arrivals.from_s;
    if rest <= 0.0 {
        let what = format!("`{}` begins at {}, when the storm is over", party.name, arrivals.from_s);
        found.add(&place, "from_s", what, format!("the storm has {} seconds", scenario.seconds));
    }
    if let Some(lasts) = arrivals.for_s {
        found.range(&place, "for_s", lasts, f64::MIN_POSITIVE, MOST_SECONDS);
        if lasts > rest + ROUNDING {
            let what = format!(
                "`{}` comes until {}, beyond the storm's end",
                party.name,
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
            found.range(&place, "half_life_s", *half_life_s, f64::MIN_POSITIVE, MOST_SECONDS);
        }
        Shape::Sine { swing, period_s } => {
            found.range(&place, "swing", *swing, 0.0, 1.0);
            if let Some(period) = period_s {
                found.range(&place, "period_s", *period, f64::MIN_POSITIVE, MOST_SECONDS);
            }
        }
        Shape::Replay { each_s, .. } => found.range(&place, "each_s", *each_s, f64::MIN_POSITIVE, MOST_SECONDS),
    }
}

fn accounts(party: &Party, scenario: &Scenario, place: &[Key], found: &mut Faults) {
    if let Some(accounts) = party.accounts {
        found.range(place, "accounts", accounts as f64, 1.0, 1e8);
    }
    let Some(owner) = &party.accounts_of else {
        if party.attacker {
            let what = format!("`{}` attacks, and has no accounts of its own to attack", party.name);
            found.add(
                place,
                "attacker",
                what,
                "name the party whose accounts it is after: `accounts_of = \"…\"`",
            );
        }
        return;
    };
    let owners = || {
        let own = scenario.parties.iter().filter(|other| other.accounts_of.is_none());
        own.map(|other| other.name.as_str())
    };
    if !owners().any(|name| name == owner) {
        let what = format!("there is no party `{owner}` with accounts of its own");
        let known = owners().collect::<Vec<_>>().join(", ");
        found.add(place, "accounts_of", what, format!("those of this storm are: {known}"));
    }
}

fn journey(party: &Party, place: &[Key], found: &mut Faults) {
    let attack = matches!(
        party.journey,
        Journey::StuffPasswords | Journey::GuessCodes | Journey::HammerResend
    );
    if attack != party.attacker {
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
        found.add(place, "journey", format!("`{}` {what}", party.journey.name()), hint);
    }
    let new = matches!(
        party.journey,
        Journey::NewDevice | Journey::Resend | Journey::WrongThenRight | Journey::SubmitTwice
    );
    if new && party.device == DeviceKind::Trusted {
        let what = format!(
            "`{}` is walked with a new device: a trusted one needs no code",
            party.journey.name()
        );
        found.add(
            place,
            "device",
            what,
            "`new`, `old-app` or `push-off`, or the journey `trusted-sign-in`",
        );
    }
    if !new && !attack && party.device == DeviceKind::OldApp {
        let what = format!(
            "`{}` is walked with a trusted device, and `old-app` is a new one",
            party.journey.name()
        );
        found.add(place, "device", what, "leave `device` out, or take the journey `new-device`");
    }
}
