//! A made-up storm for the tests of reports: an outage ends, everybody comes back, push fails in the middle, attackers are about.

use std::collections::BTreeMap;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use targets::{Channel, OperationKind};

use crate::measure::{Ending, Step};
use crate::plan::scenario::{
    Arrivals, Connection, DeviceKind, Event, Fault, Flow, Phase, Scenario, Shape, Slo, Think, UserClass,
};
use crate::record::{
    Attack, Breach, ClassRecord, Deliveries, FORMAT, Funnel, Generator, Percentiles, Reconnects, Record, Resources, Safety,
    Second, StepRecord, TargetFacts, Threshold, Tool, Verdict,
};

/// Sign-ins a second that the made-up service takes.
const CAPACITY: u64 = 100;

/// One storm: `seed` decides who comes, `luck` the service's own noise, `slow` multiplies its times.
pub(crate) fn storm(seed: u64, luck: u64, slow: f64) -> Record {
    let (mut arrivals, mut service) = (StdRng::seed_from_u64(seed), StdRng::seed_from_u64(luck ^ 0x5eed));
    let mut seconds = Vec::new();
    let mut times: [Vec<f64>; 2] = [Vec::new(), Vec::new()];
    let (mut backlog, mut abandoned_all, mut broken_all) = (0_u64, 0, 0);
    for at in 0..100_u32 {
        let rate = if at >= 70 {
            0.0
        } else if at < 12 {
            60.0
        } else {
            60.0 + 240.0 * (-f64::from(at - 12) / 12.0).exp()
        };
        let offered = (rate * arrivals.random_range(0.85..1.15)) as u64;
        backlog += offered;
        let abandoned = if backlog > 1200 { (backlog - 1200) / 6 } else { 0 };
        let done = (backlog - abandoned).min(CAPACITY);
        let broken_off = if (30..45).contains(&at) { done / 40 } else { 0 };
        backlog -= done + abandoned;
        let (mut response, mut heat) = (Vec::new(), BTreeMap::new());
        for _ in 0..done - broken_off {
            let tail = if service.random_range(0.0..1.0) < 0.02 { 4.0 } else { 1.0 };
            let ms = slow * (45.0 * (service.random_range(-1.0..1.0_f64) * 0.9).exp() * tail)
                + backlog as f64 / CAPACITY as f64 * 1000.0 * slow;
            response.push(ms);
            times[usize::from(service.random_range(0..10) < 7)].push(ms);
            let bound = 10_f64.powf((ms.log10() * 8.0).ceil() / 8.0);
            *heat.entry((bound * 1000.0).round() as u64).or_insert(0_u64) += 1;
        }
        (abandoned_all, broken_all) = (abandoned_all + abandoned, broken_all + broken_off);
        seconds.push(Second {
            at,
            offered,
            completed: done - broken_off,
            broken_off,
            abandoned,
            attacks: if (20..60).contains(&at) { 25 } else { 0 },
            response: clock(&mut response),
            heat: heat
                .into_iter()
                .map(|(bound, count)| (bound as f64 / 1000.0, count))
                .collect(),
        });
    }
    let [mut new, mut trusted] = times;
    let attacks: u64 = seconds.iter().map(|second| second.attacks).sum();
    let classes = vec![
        class(
            "returning",
            Flow::TrustedSignIn,
            &mut trusted,
            Funnel {
                abandoned: abandoned_all / 2,
                unanswered: broken_all / 2,
                ..Funnel::default()
            },
        ),
        class(
            "new phones",
            Flow::NewDevice,
            &mut new,
            Funnel {
                abandoned: abandoned_all - abandoned_all / 2,
                no_code: broken_all - broken_all / 2,
                ..Funnel::default()
            },
        ),
        class(
            "stuffers",
            Flow::StuffPasswords,
            &mut vec![12.0; 40],
            Funnel {
                limited: attacks - 40,
                ..Funnel::default()
            },
        ),
    ];
    let p99 = classes[1].response.p99_ms;
    let drained = seconds.iter().rposition(|second| second.completed > 0).unwrap_or(0) as f64 + 1.0 - 70.0;
    Record {
        format: FORMAT,
        tool: Tool {
            name: "stepproof-load".to_owned(),
            version: "0.1.0".to_owned(),
        },
        scenario: scenario(),
        seed,
        target: TargetFacts {
            name: "reference server".to_owned(),
            origin: "http://127.0.0.1:18080".to_owned(),
        },
        started_at: "2026-03-02T07:00:00Z".to_owned(),
        took_s: 100.0,
        shard: None,
        interrupted: false,
        resources: resources(&seconds),
        seconds,
        deliveries: Deliveries {
            push: classes[1].funnel.completed * 3 / 4,
            email: classes[1].funnel.completed / 2,
            lag: clock(&mut (1..400).map(|nth| f64::from(nth) * 1.5).collect::<Vec<_>>()),
            code_age: clock(&mut (1..400).map(|nth| 800.0 + f64::from(nth) * 9.0).collect::<Vec<_>>()),
            sends_per_login: 1.25,
        },
        attack: Some(Attack {
            accounts_entered: 0,
            guesses_evaluated: 1840,
            most_guesses_at_one_account: 5,
            sends_caused: 12,
            collateral: 0.0031,
        }),
        safety: Safety {
            accounts: 4200,
            operations: 16_804,
            indeterminate: 31,
            unjudged: 0,
            breaches: Vec::new(),
        },
        classes,
        generator: Generator {
            schedule_lag_p99_ms: 0.8,
            limits: Vec::new(),
            reconnects: Some(Reconnects {
                reopened: 1_031,
                repeated: 7,
                in_doubt: 2,
            }),
        },
        drain_s: Some(drained),
        thresholds: vec![
            threshold("p99 of new phones at most 20000 ms", 20_000.0, p99),
            threshold("drained within 30 s", 30.0, drained),
        ],
        verdict: Verdict::Passed,
    }
}

/// What a target, a binding or a file could say to a terminal, to a reader and to XML.
pub(crate) const HOSTILE: &str =
    "\u{1b}]0;owned\u{7}\u{1b}[2J\u{1b}[8m\u{9b}2J\u{85}\r\nerror: forged\u{202e}\u{2028}\u{200b}\u{fffe}\0\u{7f}]]><script>&";

/// [`broken`] with hostile texts wherever a text comes from outside.
pub(crate) fn hostile() -> Record {
    let mut record = broken();
    let one = [
        &mut record.tool.name,
        &mut record.tool.version,
        &mut record.scenario.name,
        &mut record.scenario.title,
        &mut record.target.name,
        &mut record.target.origin,
        &mut record.started_at,
    ];
    let classes = record.classes.iter_mut();
    let scenario = record.scenario.classes.iter_mut().map(|class| &mut class.name);
    let breaches = record.safety.breaches.iter_mut();
    let texts = one
        .into_iter()
        .chain(classes.flat_map(|class| std::iter::once(&mut class.name).chain(&mut class.complaints)))
        .chain(record.thresholds.iter_mut().map(|threshold| &mut threshold.what))
        .chain(breaches.flat_map(|breach| {
            [&mut breach.rule, &mut breach.requirement]
                .into_iter()
                .chain(&mut breach.steps)
        }))
        .chain(scenario)
        .chain(record.scenario.phases.iter_mut().map(|phase| &mut phase.name));
    for text in texts {
        text.push_str(HOSTILE);
    }
    record.generator.limits.push(HOSTILE.to_owned());
    record
}

/// The same storm on a service that breaks thresholds.
pub(crate) fn broken() -> Record {
    let mut record = storm(7, 7, 1.0);
    record.drain_s = None;
    record.thresholds.push(Threshold {
        what: "success of new phones at least 0.99".to_owned(),
        wanted: 0.99,
        found: Some(0.871),
        passed: false,
    });
    record.thresholds.push(Threshold {
        what: "p50 of nobody at most 5 ms".to_owned(),
        wanted: 5.0,
        found: None,
        passed: false,
    });
    record.safety.breaches.push(Breach {
        rule: "code-redeemed-twice".to_owned(),
        requirement: "CODE-04".to_owned(),
        account: 1441,
        steps: vec![
            "31.204 s: device 2 signed in with the password and was challenged".to_owned(),
            "33.870 s: device 2 submitted the code of message 0 <script>alert(1)</script> & was signed in".to_owned(),
            "33.871 s: device 3 submitted the same code and was signed in".to_owned(),
        ],
    });
    record.safety.unjudged = 2;
    record.verdict = Verdict::Failed;
    record.classes[1].complaints = vec!["verify: 503 <html>busy</html>".to_owned(), "no code within 10 s".to_owned()];
    record
}

fn threshold(what: &str, wanted: f64, found: f64) -> Threshold {
    Threshold {
        what: what.to_owned(),
        wanted,
        found: Some(found),
        passed: found <= wanted,
    }
}

/// Percentiles by rank.
pub(crate) fn clock(times: &mut [f64]) -> Percentiles {
    times.sort_by(f64::total_cmp);
    let at = |part: f64| {
        times
            .get(((times.len() as f64 * part).ceil() as usize).saturating_sub(1))
            .copied()
            .unwrap_or(0.0)
    };
    Percentiles {
        count: times.len() as u64,
        mean_ms: times.iter().sum::<f64>() / times.len().max(1) as f64,
        p50_ms: at(0.5),
        p90_ms: at(0.9),
        p99_ms: at(0.99),
        p999_ms: at(0.999),
        max_ms: at(1.0),
    }
}

fn class(name: &str, flow: Flow, times: &mut [f64], otherwise: Funnel) -> ClassRecord {
    let completed = times.len() as u64;
    let begun = completed + otherwise.limited + otherwise.unanswered + otherwise.no_code;
    let scaled = |by: f64| clock(&mut times.iter().map(|ms| ms * by).collect::<Vec<_>>());
    let step = |step, by, extra: Option<(Ending, u64)>| StepRecord {
        step,
        endings: std::iter::once((Ending::Completed, completed))
            .chain(extra.filter(|(_, number)| *number > 0))
            .collect(),
        service: scaled(by),
    };
    let mut steps = vec![step(
        Step::Exchange(OperationKind::SignIn),
        0.3,
        Some((Ending::Limited, otherwise.limited)),
    )];
    if flow == Flow::NewDevice {
        steps.push(step(
            Step::Exchange(OperationKind::Verify),
            0.05,
            Some((Ending::Unanswered, 3)),
        ));
        steps.push(step(
            Step::Delivery(Channel::Push),
            0.02,
            Some((Ending::NoCode, otherwise.no_code)),
        ));
        steps.push(step(Step::CodeAge, 0.9, None));
    }
    ClassRecord {
        name: name.to_owned(),
        attacker: flow == Flow::StuffPasswords,
        flow,
        funnel: Funnel {
            offered: begun + otherwise.abandoned,
            started: begun,
            attempts: begun + begun / 50,
            completed,
            ..otherwise
        },
        service: scaled(0.4),
        scheduling_delay: scaled(0.6),
        response: scaled(1.0),
        steps,
        complaints: Vec::new(),
    }
}

fn resources(seconds: &[Second]) -> Vec<Resources> {
    let (mut waiting, mut server) = (0_u64, 0.0);
    seconds
        .iter()
        .map(|second| {
            let done = second.completed + second.broken_off + second.abandoned;
            waiting = (waiting + second.offered).saturating_sub(done);
            server += second.completed as f64 / CAPACITY as f64 * 1.6;
            Resources {
                at_s: f64::from(second.at) + 0.5,
                generator_cpu_s: server / 9.0,
                generator_rss_mib: 62.0 + f64::from(second.at) / 4.0,
                server_cpu_s: Some(server),
                server_rss_mib: Some(110.0 + waiting as f64 / 20.0),
                waiting: waiting.saturating_sub(128),
                under_way: waiting.min(128),
            }
        })
        .collect()
}

fn scenario() -> Scenario {
    let class = |name: &str, flow, rate, attacker| UserClass {
        name: name.to_owned(),
        attacker,
        arrivals: Arrivals {
            rate,
            even: false,
            from_s: 0.0,
            for_s: None,
            shape: Shape::Spike {
                at_s: 12.0,
                height: 5.0,
                half_life_s: 8.0,
            },
        },
        flow,
        device: DeviceKind::New,
        accounts: None,
        accounts_of: attacker.then(|| "returning".to_owned()),
        connection: Connection::Cold,
        sources: 0,
        patience_s: 30.0,
        code_patience_s: 10.0,
        retry: None,
        tries: 5,
    };
    Scenario {
        name: "isp-outage".to_owned(),
        title: "A region loses its connection and comes back at once".to_owned(),
        about: "Everybody in a region reconnects within seconds: cold connections, then a decay. <b>Nobody</b> waits for ever."
            .to_owned(),
        look_for: vec![
            "The height of the waiting line, and how long it takes to drain.".to_owned(),
            "Whether retries come back as echoes.".to_owned(),
        ],
        seconds: 70.0,
        drain_s: 30.0,
        max_vus: Some(128),
        think: Think::default(),
        classes: vec![
            class("returning", Flow::TrustedSignIn, 42.0, false),
            class("new phones", Flow::NewDevice, 18.0, false),
            class("stuffers", Flow::StuffPasswords, 25.0, true),
        ],
        events: vec![
            Event {
                from_s: 28.0,
                until_s: 44.0,
                fault: Fault::PushDown,
            },
            Event {
                from_s: 36.0,
                until_s: 52.0,
                fault: Fault::EmailLateMs(2500),
            },
        ],
        phases: vec![
            Phase {
                name: "before".to_owned(),
                from_s: 0.0,
            },
            Phase {
                name: "everybody comes back".to_owned(),
                from_s: 12.0,
            },
            Phase {
                name: "decay".to_owned(),
                from_s: 30.0,
            },
            Phase {
                name: "drain".to_owned(),
                from_s: 70.0,
            },
        ],
        slo: Slo::default(),
    }
}
