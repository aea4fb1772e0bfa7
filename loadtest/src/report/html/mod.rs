//! A record as one page that needs nothing else: style and pictures are in it, there is no script, and it loads nothing. All text of
//! the record is escaped, by the template or where a picture is drawn.

mod axes;
mod charts;
mod heat;
mod tables;
#[cfg(test)]
mod tests;

use minijinja::{Environment, Value, context};

use super::words;
use crate::record::{Record, Verdict};
use charts::Picture;

/// The page.
pub fn page(record: &Record) -> Result<String, minijinja::Error> {
    let mut environment = Environment::new();
    // The name ends so that everything put in is escaped.
    environment.add_template("page.html", include_str!("../page.html"))?;
    let (word, why) = words::verdict(record);
    let (seconds_a_row, seconds) = tables::seconds(record);
    let over_time = [charts::arrivals(record), charts::response(record), heat::map(record)];
    let generator = [
        charts::line_of_waiting(record),
        charts::processor(record),
        charts::memory(record),
    ];
    let attacks = record
        .seconds
        .iter()
        .any(|second| second.attacks > 0)
        .then(|| picture(charts::attacks(record)));
    environment.get_template("page.html")?.render(context! {
        record => facts(record),
        word,
        why,
        sign => match record.verdict { Verdict::Passed => "✓", Verdict::Failed => "✗", Verdict::TooLittle | Verdict::GeneratorLimited => "?" },
        tone => match record.verdict { Verdict::Passed => "good", Verdict::Failed => "bad", Verdict::TooLittle | Verdict::GeneratorLimited => "doubt" },
        lasted => context! { arrivals => words::s(record.scenario.seconds), all => words::s(record.took_s) },
        tiles => tables::tiles(record),
        over_time => over_time.into_iter().map(picture).collect::<Vec<_>>(),
        generator => generator.into_iter().map(picture).collect::<Vec<_>>(),
        attacks,
        events => record.scenario.events.iter().map(|event| format!("{}: {} to {}", words::fault(event.fault), words::s(event.from_s), words::s(event.until_s))).collect::<Vec<_>>(),
        endings => words::endings(&crate::record::Funnel::default()).map(|(name, _)| name),
        funnel => Value::from_safe_string(tables::funnel_bars(record)),
        funnels => tables::funnels(record),
        sums => record.classes.iter().map(|class| format!("{}: {}", class.name, words::funnel(&class.funnel))).collect::<Vec<_>>(),
        clocks => tables::clocks(record),
        steps => tables::steps(record),
        deliveries => deliveries(record),
        attack => record.attack.as_ref().map(|attack| [
            ("accounts entered (must be none)", words::count(attack.accounts_entered)),
            ("passwords and codes evaluated", words::count(attack.guesses_evaluated)),
            ("the most codes judged wrong at one account", words::count(attack.most_guesses_at_one_account)),
            ("messages that attackers caused", words::count(attack.sends_caused)),
            ("legitimate arrivals refused or limited", format!("{:.2} %", attack.collateral * 100.0)),
        ]),
        safety => [
            ("accounts judged", words::count(record.safety.accounts)),
            ("operations", words::count(record.safety.operations)),
            ("without an answer (done or not)", words::count(record.safety.indeterminate)),
            ("accounts that could not be judged", words::count(record.safety.unjudged)),
        ],
        thresholds => record.thresholds.iter().map(|threshold| context! {
            what => threshold.what.as_str(),
            passed => threshold.passed,
            wanted => words::figure(threshold.wanted),
            found => threshold.found.map_or_else(|| "nothing was measured".to_owned(), words::figure),
        }).collect::<Vec<_>>(),
        lag => words::ms(record.generator.schedule_lag_p99_ms),
        reconnects => words::reconnects(&record.generator),
        seconds,
        seconds_a_row,
        repeat => words::repeat(record),
    })
}

/// What the page says in the record's own words.
fn facts(record: &Record) -> Value {
    let scenario = &record.scenario;
    let breaches = record.safety.breaches.iter().map(|breach| {
        context! { rule => breach.rule.as_str(), requirement => breach.requirement.as_str(), account => breach.account, steps => breach.steps.clone() }
    });
    let classes = record
        .classes
        .iter()
        .map(|class| context! { name => class.name.as_str(), complaints => class.complaints.clone() });
    context! {
        tool => context! { name => record.tool.name.as_str(), version => record.tool.version.as_str() },
        scenario => context! {
            name => scenario.name.as_str(),
            title => scenario.title.as_str(),
            about => scenario.about.as_str(),
            look_for => scenario.look_for.clone(),
        },
        target => context! { name => record.target.name.as_str(), origin => record.target.origin.as_str() },
        seed => record.seed,
        started_at => record.started_at.as_str(),
        interrupted => record.interrupted,
        shard => record.shard.map(|shard| context! { index => shard.index, of => shard.of }),
        classes => classes.collect::<Vec<_>>(),
        safety => context! { accounts => record.safety.accounts, breaches => breaches.collect::<Vec<_>>() },
        generator => context! { limits => record.generator.limits.clone() },
    }
}

fn picture(picture: Picture) -> Value {
    context! { title => picture.title, note => picture.note, keys => picture.keys, svg => Value::from_safe_string(picture.svg) }
}

fn deliveries(record: &Record) -> Vec<(&'static str, String)> {
    let rendered = &record.deliveries;
    let lag = |milliseconds| {
        if rendered.lag.count == 0 {
            "–".to_owned()
        } else {
            words::ms(milliseconds)
        }
    };
    let age = |milliseconds| {
        if rendered.code_age.count == 0 {
            "–".to_owned()
        } else {
            words::ms(milliseconds)
        }
    };
    vec![
        ("codes by push", words::count(rendered.push)),
        ("codes by email", words::count(rendered.email)),
        (
            "messages for each login with a code",
            format!("{:.2}", rendered.sends_per_login),
        ),
        ("on the way, p50", lag(rendered.lag.p50_ms)),
        ("on the way, p99", lag(rendered.lag.p99_ms)),
        ("age when submitted, p50", age(rendered.code_age.p50_ms)),
        ("age when submitted, p99", age(rendered.code_age.p99_ms)),
    ]
}
