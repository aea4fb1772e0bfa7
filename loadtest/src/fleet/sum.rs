//! What is added up of several records. Whatever a log holds is worked out from the merged logs instead.

use std::collections::BTreeMap;

use crate::measure::Attempts;
use crate::record::{Attack, Deliveries, Generator, PartyRecord, Record, Resources, Safety, Verdict};

/// Complaints of a party that are kept.
const COMPLAINTS: usize = 20;

/// The sum, with nothing of what the logs tell and no verdict yet; `None` of nothing.
pub(super) fn records(records: &[Record]) -> Option<Record> {
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
            .min_by_key(|at| chrono::DateTime::parse_from_rfc3339(at).ok())?
            .clone(),
        took_s: records.iter().map(|record| record.took_s).fold(0.0, f64::max),
        interrupted: records.iter().any(|record| record.interrupted),
        parties: Vec::new(),
        seconds: Vec::new(),
        deliveries: deliveries(records),
        attack: attack(&attacks),
        safety: safety(records),
        resources: resources(records),
        generator: generator(records),
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

/// The first complaints of each slice, with the number of the party.
pub(super) fn complaints(records: &[Record]) -> Vec<(u16, String)> {
    let mut complaints: BTreeMap<u16, Vec<String>> = BTreeMap::new();
    for (nth, party) in records.iter().flat_map(numbered) {
        let all = complaints.entry(nth).or_default();
        all.extend(party.complaints.iter().take(COMPLAINTS.saturating_sub(all.len())).cloned());
    }
    complaints
        .into_iter()
        .flat_map(|(nth, all)| all.into_iter().map(move |what| (nth, what)))
        .collect()
}

/// Attempts by the number of the party: the one thing of the funnel that no log holds.
pub(super) fn attempts(records: &[Record]) -> BTreeMap<u16, Attempts> {
    let mut attempts: BTreeMap<u16, Attempts> = BTreeMap::new();
    for (nth, party) in records.iter().flat_map(numbered) {
        let sum = attempts.entry(nth).or_default();
        sum.first += party.funnel.started;
        sum.all += party.funnel.attempts;
    }
    attempts
}

fn numbered(record: &Record) -> impl Iterator<Item = (u16, &PartyRecord)> {
    (0u16..).zip(&record.parties)
}

fn deliveries(records: &[Record]) -> Deliveries {
    let mut sum = Deliveries::default();
    let mut logins = 0.0;
    for deliveries in records.iter().map(|record| &record.deliveries) {
        sum.push += deliveries.push;
        sum.email += deliveries.email;
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
        reconnects: records
            .iter()
            .filter_map(|record| record.generator.reconnects)
            .reduce(|sum, slice| sum.zip(slice, |sum, slice| sum + slice)),
    }
}
