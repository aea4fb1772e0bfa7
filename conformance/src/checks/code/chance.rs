//! Uniform over the whole space, and following from nothing. Passing is evidence and no proof: fine flaws do not show.

use std::time::{Duration, Instant};

use targets::{Operation, OperationKind};

use super::collect::codes;
use super::statistics::{CHI_SQUARE_ALARM, chi_squares, commonest_step, repeats, repeats_alarm};
use crate::checks::steps::open;
use crate::context::Context;
use crate::proof::{CheckResult, all, assert_that, not_tested};

checks!(
    /// Fewer codes say too little.
    const MIN_CODES: usize = 200;
    /// As many as the alarms were reckoned for.
    const MAX_CODES: usize = 2000;
    /// What collecting more than the least may take.
    const MAX_COLLECTING: Duration = Duration::from_secs(3);

    /// many codes use every digit at every place alike often, and repeat no more than chance has it
    #[check("CODE-02.codes-are-uniform")]
    async fn codes_are_uniform(cx: &mut Context) -> CheckResult {
        let codes = codes(cx, MIN_CODES, MAX_CODES, MAX_COLLECTING).await?;
        if !codes.iter().all(|code| code.chars().all(|c| c.is_ascii_digit())) {
            return not_tested("the codes are not digits: how they are drawn is not known");
        }
        let count = codes.len();
        let mut results = Vec::new();
        for (place, chi) in (1..).zip(chi_squares(&codes)) {
            results.push(assert_that(
                &format!("all digits are alike likely at place {place}"),
                chi <= CHI_SQUARE_ALARM,
                format!("chi-square is {chi:.1} over {count} codes, the alarm {CHI_SQUARE_ALARM}"),
            ));
        }
        let zeros = codes.iter().filter(|code| code.starts_with('0')).count();
        results.push(assert_that(
            "some code begins with a zero",
            zeros > 0,
            format!("none of {count} does"),
        ));
        let (repeated, alarm) = (repeats(&codes), repeats_alarm(count, space(&codes)));
        results.push(assert_that(
            "codes repeat no more than chance has it",
            repeated < alarm,
            format!("{repeated} of {count} codes came before, the alarm is {alarm}"),
        ));
        // The same step six times among two thousand neighbours has a chance of 1e-13.
        let step = commonest_step(&codes);
        results.push(assert_that(
            "codes do not count up",
            step.is_none_or(|(_, times)| times < 6),
            format!("{step:?} is the commonest step and how often it came"),
        ));
        all(results)
    }

    fn space(codes: &[String]) -> f64 {
        10f64.powi(codes.first().map_or(0, |code| i32::try_from(code.len()).unwrap_or(i32::MAX)))
    }

    /// As many codes as are looked at for a rule.
    const ROW: usize = 20;
    /// What is still enough for it, where making accounts takes long.
    const MIN_ROW: usize = 8;

    /// twenty codes of one account in a moment neither repeat nor count up
    #[check("CODE-03.codes-of-one-account-follow-no-rule")]
    async fn codes_of_one_account_follow_no_rule(cx: &mut Context) -> CheckResult {
        let account = cx.account().await?;
        let parameters = cx.parameters();
        let a_day = usize::try_from(parameters.sends_per_account_day).unwrap_or(ROW);
        let live = usize::try_from(parameters.live_challenges).unwrap_or(ROW);
        let can_cancel = cx.target.offers(OperationKind::Cancel);
        let row = ROW.min(a_day).min(if can_cancel { ROW } else { live });
        let mut codes = Vec::new();
        for _ in 0..row {
            let (mut device, pending) = open(cx, &account).await?;
            codes.push(pending.code);
            if can_cancel {
                cx.perform(&mut device, Operation::Cancel {}).await?;
            }
        }
        no_rule(&codes)
    }

    /// codes of many accounts in a moment neither repeat nor count up
    #[check("CODE-03.codes-of-one-moment-follow-no-rule")]
    async fn codes_of_one_moment_follow_no_rule(cx: &mut Context) -> CheckResult {
        // Made beforehand, so that nothing but the codes falls into the moment.
        let start = Instant::now();
        let mut accounts = Vec::new();
        while accounts.len() < ROW && (accounts.len() < MIN_ROW || start.elapsed() < MAX_COLLECTING) {
            accounts.push(cx.account().await?);
        }
        let mut codes = Vec::new();
        for account in &accounts {
            codes.push(open(cx, account).await?.1.code);
        }
        no_rule(&codes)
    }
);

/// Neither repeats nor a constant step, beyond what chance does once in a million rows.
fn no_rule(codes: &[String]) -> CheckResult {
    if codes.len() < 4 {
        return not_tested(format!("{} codes are too few to see a rule", codes.len()));
    }
    let (repeated, alarm) = (repeats(codes), repeats_alarm(codes.len(), space(codes)));
    let step = commonest_step(codes);
    all([
        assert_that(
            "codes of one moment differ",
            repeated < alarm,
            format!("{repeated} of {} codes came before", codes.len()),
        ),
        assert_that(
            "codes do not count up",
            step.is_none_or(|(_, times)| times < 3),
            format!("{step:?} is the commonest step and how often it came"),
        ),
    ])
}
