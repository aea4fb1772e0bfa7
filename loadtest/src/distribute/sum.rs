//! Everything of several records that can be added up. Percentiles cannot: they are left to the merged measurements.

use std::collections::BTreeMap;

use crate::record::{
    Attack, Clock, Deliveries, Funnel, Generator, PartyRecord, Record, Resources, Safety, Second, StepRecord, Verdict,
};

/// Complaints of a party that are kept.
const COMPLAINTS: usize = 20;

/// The sum, with no promises and no verdict yet; `None` of nothing.
pub(super) fn records(records: Vec<Record>) -> Option<Record> {
    let first = records.first()?.clone();
    let attacks: Vec<(Attack, u64)> = records
        .iter()
        .filter_map(|record| Some((record.attack?, legitimate(record))))
        .collect();
    Some(Record {
        slice: None,
        started_at: records
            .iter()
            .map(|record| &record.started_at)
            .min_by_key(|at| at.parse::<jiff::Timestamp>().ok())?
            .clone(),
        took_s: records.iter().map(|record| record.took_s).fold(0.0, f64::max),
        interrupted: records.iter().any(|record| record.interrupted),
        parties: parties(&records),
        seconds: seconds(&records),
        deliveries: deliveries(&records),
        attack: attack(&attacks),
        safety: safety(&records),
        resources: resources(&records),
        generator: generator(&records),
        drain_s: records
            .iter()
            .map(|record| record.drain_s)
            .collect::<Option<Vec<f64>>>()
            .map(|all| all.into_iter().fold(0.0, f64::max)),
        promises: Vec::new(),
        verdict: Verdict::TooLittle,
        ..first
    })
}

fn parties(records: &[Record]) -> Vec<PartyRecord> {
    let mut parties: Vec<PartyRecord> = Vec::new();
    for party in records.iter().flat_map(|record| &record.parties) {
        let Some(sum) = parties.iter_mut().find(|known| known.name == party.name) else {
            parties.push(party.clone());
            continue;
        };
        funnel(&mut sum.funnel, &party.funnel);
        clock(&mut sum.response, &party.response);
        clock(&mut sum.service, &party.service);
        clock(&mut sum.lag, &party.lag);
        steps(&mut sum.steps, &party.steps);
        sum.complaints.extend(party.complaints.iter().cloned());
        sum.complaints.truncate(COMPLAINTS);
    }
    parties
}

fn funnel(sum: &mut Funnel, other: &Funnel) {
    // Taken apart by name, so that a count that is added one day cannot be left out here.
    let Funnel {
        offered,
        started,
        attempts,
        completed,
        refused,
        limited,
        failed,
        unanswered,
        no_code,
        abandoned,
        interrupted,
    } = *other;
    sum.offered += offered;
    sum.started += started;
    sum.attempts += attempts;
    sum.completed += completed;
    sum.refused += refused;
    sum.limited += limited;
    sum.failed += failed;
    sum.unanswered += unanswered;
    sum.no_code += no_code;
    sum.abandoned += abandoned;
    sum.interrupted += interrupted;
}

/// The count, the mean and the greatest add up; the percentiles are no longer any.
fn clock(sum: &mut Clock, other: &Clock) {
    let count = sum.count + other.count;
    let mean_ms = if count == 0 {
        0.0
    } else {
        (sum.mean_ms * sum.count as f64 + other.mean_ms * other.count as f64) / count as f64
    };
    *sum = Clock {
        count,
        mean_ms,
        max_ms: sum.max_ms.max(other.max_ms),
        ..Clock::default()
    };
}

fn steps(sum: &mut Vec<StepRecord>, other: &[StepRecord]) {
    for step in other {
        let Some(known) = sum.iter_mut().find(|known| known.step == step.step) else {
            sum.push(step.clone());
            continue;
        };
        for (ending, count) in &step.endings {
            *known.endings.entry(*ending).or_default() += count;
        }
        clock(&mut known.service, &step.service);
    }
}

fn seconds(records: &[Record]) -> Vec<Second> {
    let mut seconds: BTreeMap<u32, Second> = BTreeMap::new();
    for second in records.iter().flat_map(|record| &record.seconds) {
        let sum = seconds.entry(second.at).or_insert_with(|| Second {
            at: second.at,
            ..Second::default()
        });
        sum.offered += second.offered;
        sum.completed += second.completed;
        sum.broken_off += second.broken_off;
        sum.abandoned += second.abandoned;
        sum.attacks += second.attacks;
        clock(&mut sum.response, &second.response);
        sum.heat.extend(&second.heat);
    }
    seconds.into_values().map(heat).collect()
}

fn heat(mut second: Second) -> Second {
    second.heat.sort_by(|a, b| a.0.total_cmp(&b.0));
    second.heat.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        if same {
            kept.1 += next.1;
        }
        same
    });
    second
}

fn deliveries(records: &[Record]) -> Deliveries {
    let mut sum = Deliveries::default();
    let mut logins = 0.0;
    for deliveries in records.iter().map(|record| &record.deliveries) {
        sum.push += deliveries.push;
        sum.email += deliveries.email;
        clock(&mut sum.lag, &deliveries.lag);
        clock(&mut sum.code_age, &deliveries.code_age);
        if deliveries.sends_per_login > 0.0 {
            logins += (deliveries.push + deliveries.email) as f64 / deliveries.sends_per_login;
        }
    }
    if logins > 0.0 {
        sum.sends_per_login = (sum.push + sum.email) as f64 / logins;
    }
    sum
}

fn legitimate(record: &Record) -> u64 {
    record
        .parties
        .iter()
        .filter(|party| !party.attacker)
        .map(|party| party.funnel.offered)
        .sum()
}

fn attack(attacks: &[(Attack, u64)]) -> Option<Attack> {
    let legitimate: u64 = attacks.iter().map(|(_, legitimate)| legitimate).sum();
    let hit: f64 = attacks
        .iter()
        .map(|(attack, legitimate)| attack.collateral * *legitimate as f64)
        .sum();
    (!attacks.is_empty()).then(|| Attack {
        accounts_entered: attacks.iter().map(|(attack, _)| attack.accounts_entered).sum(),
        guesses_evaluated: attacks.iter().map(|(attack, _)| attack.guesses_evaluated).sum(),
        // Exact, since no account is in two slices.
        most_guesses_at_one_account: attacks
            .iter()
            .map(|(attack, _)| attack.most_guesses_at_one_account)
            .max()
            .unwrap_or(0),
        sends_caused: attacks.iter().map(|(attack, _)| attack.sends_caused).sum(),
        collateral: if legitimate > 0 { hit / legitimate as f64 } else { 0.0 },
    })
}

fn safety(records: &[Record]) -> Safety {
    let mut sum = Safety::default();
    for safety in records.iter().map(|record| &record.safety) {
        sum.accounts += safety.accounts;
        sum.operations += safety.operations;
        sum.indeterminate += safety.indeterminate;
        sum.unjudged += safety.unjudged;
        sum.breaches.extend(safety.breaches.iter().cloned());
    }
    sum.breaches.sort();
    sum
}

/// Second by second: what all generators took together, and what the one server did by whoever saw it last.
fn resources(records: &[Record]) -> Vec<Resources> {
    let mut seconds: BTreeMap<u64, Resources> = BTreeMap::new();
    for record in records {
        // One look a second for each slice, or a slice that looked twice would count twice.
        let looks: BTreeMap<u64, &Resources> = record
            .resources
            .iter()
            .map(|look| (look.at_s.max(0.0) as u64, look))
            .collect();
        for (second, look) in looks {
            let sum = seconds.entry(second).or_default();
            sum.at_s = sum.at_s.max(look.at_s);
            sum.generator_cpu_s += look.generator_cpu_s;
            sum.generator_rss_mib += look.generator_rss_mib;
            sum.server_cpu_s = greater(sum.server_cpu_s, look.server_cpu_s);
            sum.server_rss_mib = greater(sum.server_rss_mib, look.server_rss_mib);
            sum.waiting += look.waiting;
            sum.under_way += look.under_way;
        }
    }
    seconds.into_values().collect()
}

fn greater(a: Option<f64>, b: Option<f64>) -> Option<f64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.max(b)),
        (a, b) => a.or(b),
    }
}

/// One slice that was late makes the storm another one, so the worst counts.
fn generator(records: &[Record]) -> Generator {
    Generator {
        schedule_lag_p99_ms: records
            .iter()
            .map(|record| record.generator.schedule_lag_p99_ms)
            .fold(0.0, f64::max),
        limits: records
            .iter()
            .flat_map(|record| {
                let slice = record.slice.map(|slice| format!("slice {slice}: ")).unwrap_or_default();
                record.generator.limits.iter().map(move |limit| format!("{slice}{limit}"))
            })
            .collect(),
    }
}
