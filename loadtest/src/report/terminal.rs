//! A record for a person at a terminal, in at most a hundred columns: the verdict is the last line, where a person looks.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use targets::text::printable;

use super::table::{table, wrapped};
use super::words::{self, count, counted, ms, part, s};
use crate::measure::{Ending, Step};
use crate::record::{Clock, PartyRecord, Record, Verdict};

const BOLD: Style = Style::new().bold();
const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();
const DOUBT: Style = AnsiColor::Yellow.on_default();

/// Text that is put together with or without colour. All that enters it is printable: nobody else's colours, lines or escapes.
struct Page {
    text: String,
    colour: bool,
}

impl Page {
    fn line(&mut self, style: Style, words: &str) {
        let lines = wrapped(&printable(words), 100);
        let _ = if self.colour {
            writeln!(self.text, "{style}{lines}{style:#}")
        } else {
            writeln!(self.text, "{lines}")
        };
    }

    fn plain(&mut self, words: &str) {
        self.line(Style::new(), words);
    }

    fn head(&mut self, words: &str) {
        self.text.push('\n');
        self.line(BOLD, words);
    }

    fn table(&mut self, table: &str) {
        for line in table.lines() {
            let _ = writeln!(self.text, "{line}");
        }
    }
}

/// The record in at most a hundred columns. The caller knows whether colour is wanted.
pub fn told(record: &Record, colour: bool) -> String {
    let mut page = Page {
        text: String::new(),
        colour,
    };
    head(&mut page, record);
    arrivals(&mut page, record);
    clocks(&mut page, record);
    steps(&mut page, record);
    deliveries(&mut page, record);
    attack(&mut page, record);
    safety(&mut page, record);
    promises(&mut page, record);
    generator(&mut page, record);
    let (word, why) = words::verdict(record);
    let style = match record.verdict {
        Verdict::Held => GOOD,
        Verdict::Broken => BAD,
        Verdict::TooLittle | Verdict::GeneratorLimited => DOUBT,
    };
    page.text.push('\n');
    page.line(style, &format!("{word}: {why}"));
    page.text
}

fn head(page: &mut Page, record: &Record) {
    let scenario = &record.scenario;
    page.line(BOLD, &format!("{}: {}", scenario.name, scenario.title));
    page.plain(&format!(
        "  seed {}, {} at {}, {} of arrivals, {} in all, begun {}",
        record.seed,
        record.target.name,
        record.target.origin,
        s(scenario.seconds),
        s(record.took_s),
        record.started_at
    ));
    page.plain(&format!("  to repeat it: {}", words::repeat(record)));
    if let Some(slice) = record.slice {
        page.line(
            DOUBT,
            &format!("  slice {} of {}: not the whole storm", slice.index, slice.of),
        );
    }
    if record.interrupted {
        page.line(DOUBT, "  interrupted: what follows is what was measured until then");
    }
}

fn arrivals(page: &mut Page, record: &Record) {
    page.head("Arrivals");
    for party in &record.parties {
        let attacker = if party.attacker { " (attackers)" } else { "" };
        page.plain(&format!("  {}{attacker}: {}", party.name, words::funnel(&party.funnel)));
        let again = party.funnel.attempts.saturating_sub(party.funnel.started);
        page.plain(&format!(
            "    {} begun, {} completed, {}",
            count(party.funnel.started),
            part(party.funnel.completed, party.funnel.offered),
            counted(again, "further attempt")
        ));
    }
    let legitimate = || record.parties.iter().filter(|party| !party.attacker);
    if legitimate().count() > 1 {
        let all = words::sum(legitimate().map(|party| &party.funnel));
        page.plain(&format!("  everybody legitimate: {}", words::funnel(&all)));
    }
    let drain = match record.drain_s {
        Some(drain) => format!("  drained {} after the last arrival", s(drain)),
        None => "  did not drain: somebody still waited at the end".to_owned(),
    };
    page.line(if record.drain_s.is_some() { Style::new() } else { BAD }, &drain);
}

fn clock(clock: &Clock) -> [String; 7] {
    if clock.count == 0 {
        let none = || "–".to_owned();
        return ["0".to_owned(), none(), none(), none(), none(), none(), none()];
    }
    [
        count(clock.count),
        ms(clock.mean_ms),
        ms(clock.p50_ms),
        ms(clock.p90_ms),
        ms(clock.p99_ms),
        ms(clock.p999_ms),
        ms(clock.max_ms),
    ]
}

fn clocks(page: &mut Page, record: &Record) {
    page.head("Three clocks: response from the intended instant, service from the start, start lag between");
    let rows = record.parties.iter().flat_map(|party| {
        [
            ("response", &party.response),
            ("service", &party.service),
            ("start lag", &party.lag),
        ]
        .map(|(name, figures)| {
            let [number, mean, p50, p90, p99, p999, max] = clock(figures);
            [
                format!("  {}", party.name),
                name.to_owned(),
                number,
                mean,
                p50,
                p90,
                p99,
                p999,
                max,
            ]
        })
    });
    page.table(&table(
        ["  party", "clock", "count", "mean", "p50", "p90", "p99", "p99.9", "max"],
        rows,
        2,
        0,
    ));
}

fn steps(page: &mut Page, record: &Record) {
    if record.parties.iter().all(|party| party.steps.is_empty()) {
        return;
    }
    page.head("Steps");
    let rows = record.parties.iter().flat_map(|party| {
        party.steps.iter().filter(|step| step.step != Step::Journey).map(|step| {
            let others: Vec<String> = step
                .endings
                .iter()
                .filter(|(ending, number)| **ending != Ending::Completed && **number > 0)
                .map(|(ending, number)| format!("{} {}", count(*number), ending.name()))
                .collect();
            let done = step.endings.get(&Ending::Completed).copied().unwrap_or(0);
            let [_, _, p50, _, p99, _, max] = clock(&step.service);
            [
                format!("  {}", party.name),
                words::step(step.step),
                count(done),
                p50,
                p99,
                max,
                others.join(", "),
            ]
        })
    });
    page.table(&table(
        ["  party", "step", "done", "p50", "p99", "max", "otherwise"],
        rows,
        2,
        1,
    ));
    complaints(page, &record.parties);
}

fn complaints(page: &mut Page, parties: &[PartyRecord]) {
    for party in parties {
        for complaint in &party.complaints {
            page.line(DOUBT, &format!("  {}: {}", party.name, complaint));
        }
    }
}

fn deliveries(page: &mut Page, record: &Record) {
    let told = &record.deliveries;
    if told.push + told.email == 0 {
        return;
    }
    page.head("Codes");
    page.plain(&format!(
        "  {} by push, {} by email; {:.2} messages a login",
        count(told.push),
        count(told.email),
        told.sends_per_login
    ));
    page.plain(&format!(
        "  on the way p50 {}, p99 {}; {} old in the median when submitted, p99 {}",
        ms(told.lag.p50_ms),
        ms(told.lag.p99_ms),
        ms(told.code_age.p50_ms),
        ms(told.code_age.p99_ms)
    ));
}

fn attack(page: &mut Page, record: &Record) {
    let Some(attack) = &record.attack else { return };
    page.head("Attack");
    let style = if attack.accounts_entered == 0 { GOOD } else { BAD };
    page.line(style, &format!("  {} entered", counted(attack.accounts_entered, "account")));
    page.plain(&format!(
        "  {} evaluated, {} at one account at the most; {} caused",
        words::counted_as(attack.guesses_evaluated, "guess", "guesses"),
        count(attack.most_guesses_at_one_account),
        counted(attack.sends_caused, "message")
    ));
    page.plain(&format!(
        "  collateral: {:.2} % of legitimate arrivals were refused or limited",
        attack.collateral * 100.0
    ));
}

fn safety(page: &mut Page, record: &Record) {
    let safety = &record.safety;
    page.head("Security promises, judged from the history");
    page.plain(&format!(
        "  {}, {}, {} without an answer",
        counted(safety.accounts, "account"),
        counted(safety.operations, "operation"),
        count(safety.indeterminate)
    ));
    if safety.unjudged > 0 {
        page.line(
            DOUBT,
            &format!(
                "  {} could not be judged: too much at once",
                counted(safety.unjudged, "account")
            ),
        );
    }
    if safety.accounts == 0 {
        page.line(DOUBT, "  no history was judged");
    } else if safety.breaches.is_empty() {
        page.line(GOOD, "  no breach");
    }
    for breach in &safety.breaches {
        page.line(
            BAD,
            &format!(
                "  breach: {} ({}), account {}",
                breach.promise, breach.requirement, breach.account
            ),
        );
        for line in &breach.told {
            page.plain(&format!("    {line}"));
        }
    }
}

fn promises(page: &mut Page, record: &Record) {
    page.head("Promises");
    if record.promises.is_empty() {
        page.plain("  none were made");
    }
    for promise in &record.promises {
        let (style, sign) = if promise.kept { (GOOD, "kept:") } else { (BAD, "broken:") };
        let found = promise.found.map_or_else(
            || "nothing was measured".to_owned(),
            |found| format!("found {}", words::figure(found)),
        );
        page.line(style, &format!("  {sign} {}: {found}", promise.what));
    }
}

fn generator(page: &mut Page, record: &Record) {
    page.head("Generator");
    page.plain(&format!(
        "  its schedule was {} late at the p99",
        ms(record.generator.schedule_lag_p99_ms)
    ));
    if let Some(last) = record.resources.last() {
        let most = record
            .resources
            .iter()
            .map(|moment| moment.generator_rss_mib)
            .fold(0.0, f64::max);
        page.plain(&format!(
            "  {} of processor time, {most:.0} MiB of memory at the most",
            s(last.generator_cpu_s)
        ));
    }
    if let Some(told) = words::reconnects(&record.generator) {
        page.plain(&format!("  {told}"));
    }
    for limit in &record.generator.limits {
        page.line(BAD, &format!("  it was the limit: {limit}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Slice;
    use crate::report::fixture;

    #[test]
    fn the_funnel_is_a_sum_that_adds_up() {
        let record = fixture::storm(1, 1, 1.0);
        let text = told(&record, false);
        for party in &record.parties {
            let start = format!("  {}", party.name);
            let line = text
                .lines()
                .find(|line| line.starts_with(&start) && line.contains("offered ="))
                .expect("a line a party");
            let (offered, endings) = line.split_once(" offered = ").expect("a sum");
            let number = |words: &str| {
                words
                    .replace(',', "")
                    .rsplit(' ')
                    .find_map(|word| word.parse::<u64>().ok())
                    .expect("a number")
            };
            assert_eq!(number(offered), endings.split(" + ").map(number).sum::<u64>(), "{line}");
        }
    }

    #[test]
    fn a_funnel_that_does_not_add_up_is_told() {
        let mut record = fixture::storm(1, 1, 1.0);
        record.parties[0].funnel.completed -= 1;
        assert!(told(&record, false).contains("does not add up"));
    }

    #[test]
    fn every_part_is_there_and_fits() {
        let mut record = fixture::broken();
        record.interrupted = true;
        record.slice = Some(Slice { index: 1, of: 3 });
        let text = told(&record, false);
        for part in [
            "isp-outage",
            "seed 7",
            "slice 1 of 3",
            "interrupted",
            "did not drain",
            "response",
            "service",
            "start lag",
            "verify",
            "by push",
            "0 accounts entered",
            "2 accounts could not be judged",
            "breach: code-redeemed-twice (CODE-04), account 1441",
            "kept: p99 of new phones",
            "broken: success of new phones at least 0.99: found 0.871",
            "nothing was measured",
            "schedule",
            "no code within 10 s",
        ] {
            assert!(text.contains(part), "{part} is missing in\n{text}");
        }
        let last = text.lines().last().expect("text");
        assert_eq!(last, "broken: 2 of 4 promises broken, 1 breach of the security promises");
        for line in text.lines() {
            assert!(line.chars().count() <= 100, "{} wide: {line}", line.chars().count());
        }
    }

    #[test]
    fn colour_only_where_it_is_wanted_and_none_from_outside() {
        let mut record = fixture::broken();
        record.parties[1].complaints = vec!["\u{1b}[2Jgone".to_owned()];
        assert!(!told(&record, false).contains('\u{1b}'));
        let coloured = told(&record, true);
        assert!(coloured.contains("\u{1b}[31m") && !coloured.contains("\u{1b}[2J"));
    }

    #[test]
    fn a_generator_at_its_limit_is_no_result() {
        let mut record = fixture::storm(1, 1, 1.0);
        record.verdict = Verdict::GeneratorLimited;
        record.generator.limits = vec!["start lag p99 was 40 ms".to_owned()];
        let text = told(&record, false);
        let last = text.lines().rev().take(2).collect::<Vec<_>>();
        assert!(
            last.iter()
                .any(|line| line.starts_with("generator-limited: the generator was the limit")),
            "{text}"
        );
    }
}
