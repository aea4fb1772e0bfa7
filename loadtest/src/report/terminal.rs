//! A record for a person at a terminal, in at most a hundred columns: the verdict is the last line, where a person looks.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use targets::text::printable;

use super::table::{table, wrapped};
use super::words::{self, count, counted, ms, part, s};
use crate::measure::{Ending, Step};
use crate::record::{ClassRecord, Percentiles, Record, Verdict};

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
pub fn to_text(record: &Record, colour: bool) -> String {
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
    thresholds(&mut page, record);
    generator(&mut page, record);
    let (word, why) = words::verdict(record);
    let style = match record.verdict {
        Verdict::Passed => GOOD,
        Verdict::Failed => BAD,
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
    if let Some(shard) = record.shard {
        page.line(
            DOUBT,
            &format!("  shard {} of {}: not the whole storm", shard.index, shard.of),
        );
    }
    if record.interrupted {
        page.line(DOUBT, "  interrupted: what follows is what was measured until then");
    }
}

fn arrivals(page: &mut Page, record: &Record) {
    page.head("Arrivals");
    for class in &record.classes {
        let attacker = if class.attacker { " (attackers)" } else { "" };
        page.plain(&format!("  {}{attacker}: {}", class.name, words::funnel(&class.funnel)));
        let again = class.funnel.attempts.saturating_sub(class.funnel.started);
        page.plain(&format!(
            "    {} begun, {} completed, {}",
            count(class.funnel.started),
            part(class.funnel.completed, class.funnel.offered),
            counted(again, "further attempt")
        ));
    }
    let legitimate = || record.classes.iter().filter(|class| !class.attacker);
    if legitimate().count() > 1 {
        let all = words::sum(legitimate().map(|class| &class.funnel));
        page.plain(&format!("  everybody legitimate: {}", words::funnel(&all)));
    }
    let drain = match record.drain_s {
        Some(drain) => format!("  drained {} after the last arrival", s(drain)),
        None => "  did not drain: somebody still waited at the end".to_owned(),
    };
    page.line(if record.drain_s.is_some() { Style::new() } else { BAD }, &drain);
}

fn clock(clock: &Percentiles) -> [String; 7] {
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
    page.head("Three clocks: response from the intended instant, service from the start, scheduling delay between");
    let rows = record.classes.iter().flat_map(|class| {
        [
            ("response", &class.response),
            ("service", &class.service),
            ("scheduling delay", &class.scheduling_delay),
        ]
        .map(|(name, figures)| {
            let [number, mean, p50, p90, p99, p999, max] = clock(figures);
            [
                format!("  {}", class.name),
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
        ["  class", "clock", "count", "mean", "p50", "p90", "p99", "p99.9", "max"],
        rows,
        2,
        0,
    ));
}

fn steps(page: &mut Page, record: &Record) {
    if record.classes.iter().all(|class| class.steps.is_empty()) {
        return;
    }
    page.head("Steps");
    let rows = record.classes.iter().flat_map(|class| {
        class.steps.iter().filter(|step| step.step != Step::Flow).map(|step| {
            let others: Vec<String> = step
                .endings
                .iter()
                .filter(|(ending, number)| **ending != Ending::Completed && **number > 0)
                .map(|(ending, number)| format!("{} {}", count(*number), ending.name()))
                .collect();
            let done = step.endings.get(&Ending::Completed).copied().unwrap_or(0);
            let [_, _, p50, _, p99, _, max] = clock(&step.service);
            [
                format!("  {}", class.name),
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
        ["  class", "step", "done", "p50", "p99", "max", "otherwise"],
        rows,
        2,
        1,
    ));
    complaints(page, &record.classes);
}

fn complaints(page: &mut Page, classes: &[ClassRecord]) {
    for class in classes {
        for complaint in &class.complaints {
            page.line(DOUBT, &format!("  {}: {}", class.name, complaint));
        }
    }
}

fn deliveries(page: &mut Page, record: &Record) {
    let rendered = &record.deliveries;
    if rendered.push + rendered.email == 0 {
        return;
    }
    page.head("Codes");
    page.plain(&format!(
        "  {} by push, {} by email; {:.2} messages a login",
        count(rendered.push),
        count(rendered.email),
        rendered.sends_per_login
    ));
    page.plain(&format!(
        "  on the way p50 {}, p99 {}; {} old in the median when submitted, p99 {}",
        ms(rendered.lag.p50_ms),
        ms(rendered.lag.p99_ms),
        ms(rendered.code_age.p50_ms),
        ms(rendered.code_age.p99_ms)
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
    page.head("Security rules, judged from the history");
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
                breach.rule, breach.requirement, breach.account
            ),
        );
        for line in &breach.steps {
            page.plain(&format!("    {line}"));
        }
    }
}

fn thresholds(page: &mut Page, record: &Record) {
    page.head("Thresholds");
    if record.thresholds.is_empty() {
        page.plain("  none were made");
    }
    for threshold in &record.thresholds {
        let (style, sign) = if threshold.passed {
            (GOOD, "passed:")
        } else {
            (BAD, "failed:")
        };
        let found = threshold.found.map_or_else(
            || "nothing was measured".to_owned(),
            |found| format!("found {}", words::figure(found)),
        );
        page.line(style, &format!("  {sign} {}: {found}", threshold.what));
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
    if let Some(rendered) = words::reconnects(&record.generator) {
        page.plain(&format!("  {rendered}"));
    }
    for limit in &record.generator.limits {
        page.line(BAD, &format!("  it was the limit: {limit}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Shard;
    use crate::report::fixture;

    #[test]
    fn the_funnel_is_a_sum_that_adds_up() {
        let record = fixture::storm(1, 1, 1.0);
        let text = to_text(&record, false);
        for class in &record.classes {
            let start = format!("  {}", class.name);
            let line = text
                .lines()
                .find(|line| line.starts_with(&start) && line.contains("offered ="))
                .expect("a line a class");
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
        record.classes[0].funnel.completed -= 1;
        assert!(to_text(&record, false).contains("does not add up"));
    }

    #[test]
    fn every_part_is_there_and_fits() {
        let mut record = fixture::broken();
        record.interrupted = true;
        record.shard = Some(Shard { index: 1, of: 3 });
        let text = to_text(&record, false);
        for part in [
            "isp-outage",
            "seed 7",
            "shard 1 of 3",
            "interrupted",
            "did not drain",
            "response",
            "service",
            "scheduling delay",
            "verify",
            "by push",
            "0 accounts entered",
            "2 accounts could not be judged",
            "breach: code-redeemed-twice (CODE-04), account 1441",
            "passed: p99 of new phones",
            "failed: success of new phones at least 0.99: found 0.871",
            "nothing was measured",
            "schedule",
            "no code within 10 s",
        ] {
            assert!(text.contains(part), "{part} is missing in\n{text}");
        }
        let last = text.lines().last().expect("text");
        assert_eq!(last, "failed: 2 of 4 thresholds failed, 1 breach of the security rules");
        for line in text.lines() {
            assert!(line.chars().count() <= 100, "{} wide: {line}", line.chars().count());
        }
    }

    #[test]
    fn colour_only_where_it_is_wanted_and_none_from_outside() {
        let mut record = fixture::broken();
        record.classes[1].complaints = vec!["\u{1b}[2Jgone".to_owned()];
        assert!(!to_text(&record, false).contains('\u{1b}'));
        let coloured = to_text(&record, true);
        assert!(coloured.contains("\u{1b}[31m") && !coloured.contains("\u{1b}[2J"));
    }

    #[test]
    fn a_generator_at_its_limit_is_no_result() {
        let mut record = fixture::storm(1, 1, 1.0);
        record.verdict = Verdict::GeneratorLimited;
        record.generator.limits = vec!["scheduling delay p99 was 40 ms".to_owned()];
        let text = to_text(&record, false);
        let last = text.lines().rev().take(2).collect::<Vec<_>>();
        assert!(
            last.iter()
                .any(|line| line.starts_with("generator-limited: the generator was the limit")),
            "{text}"
        );
    }
}
