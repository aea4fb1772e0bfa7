//! Steps as traces of format 1 have them: with people for devices, challenges under `back`, codes under `code`.

use serde_json::{Value, json};

use crate::model::Step;

/// The steps of a saved trace, of this format or the former one.
pub fn read_steps(text: &str) -> Result<Vec<Step>, serde_json::Error> {
    let steps: Vec<Value> = serde_json::from_str(text)?;
    let read = |step: Value| serde_json::from_value(if step.get("step").is_some() { renamed(&step) } else { step });
    steps.into_iter().map(read).collect()
}

/// The step in the machine's words. An operation passes over the fields that are not its own.
fn renamed(step: &Value) -> Value {
    let device = |who: &str| match step[who].as_str() {
        Some("phone") => Some((0, 0)),
        Some("tablet") => Some((0, 1)),
        Some("thief") => Some((0, 2)),
        Some("neighbour") => Some((1, 3)),
        _ => None,
    };
    let (by, who) = (device("by"), device("who"));
    let account = by.or(who).map_or(0, |(account, _)| account);
    let guess = match &step["code"] {
        Value::Object(of) => json!({ "foreign": of.get("of") }),
        code => code.clone(),
    };
    let fields = json!({
        "account": account,
        "by": by.map(|(_, device)| device),
        "of": who.map(|(account, _)| account),
        "device": who.map(|(_, device)| device),
        "challenge": step["back"],
        "guess": guess,
        "password": step["password"],
        "app": step["app"],
        "misuse": step.get("misuse").unwrap_or(&step["wish"]),
        "proof": step["proof"],
        "current": step["current"],
    });
    match step["step"].as_str().unwrap_or_default() {
        "advance" => json!({ "op": { "tick": step["seconds"] } }),
        "wrong-codes" => json!({ "op": { "verify": { "challenge": step["back"], "guess": "wrong" } }, "times": step["times"] }),
        name => json!({ "op": { name: fields } }),
    }
}

#[cfg(test)]
mod tests {
    use specs::machine::{App, Guess, Misuse, Op, Password};

    use super::*;

    #[test]
    fn every_step_of_format_1_is_understood() {
        let old = r#"[
            {"step":"sign-in","who":"tablet","password":"former","app":"old"},
            {"step":"verify","back":1,"code":{"of":0}},
            {"step":"verify","back":0,"code":"old"},
            {"step":"wrong-codes","back":0,"times":5},
            {"step":"resend","back":0}, {"step":"switch","back":0}, {"step":"cancel","back":2},
            {"step":"deny","by":"phone","back":0},
            {"step":"misuse","back":0,"wish":{"remove":0}},
            {"step":"use","who":"neighbour"}, {"step":"refresh","who":"phone"}, {"step":"sign-out","who":"thief"},
            {"step":"remove","by":"phone","who":"neighbour"},
            {"step":"switch-off","by":"tablet","proof":true}, {"step":"switch-on","by":"tablet"},
            {"step":"change-password","by":"phone","current":false},
            {"step":"reset"}, {"step":"advance","seconds":30}
        ]"#;
        let ops = [
            Op::SignIn {
                account: 0,
                device: 1,
                password: Password::Former,
                app: App::Old,
            },
            Op::Verify {
                challenge: 1,
                guess: Guess::Foreign(0),
            },
            Op::Verify {
                challenge: 0,
                guess: Guess::Old,
            },
            Op::Verify {
                challenge: 0,
                guess: Guess::Wrong,
            },
            Op::Resend { challenge: 0 },
            Op::Switch { challenge: 0 },
            Op::Cancel { challenge: 2 },
            Op::Deny { challenge: 0, by: 0 },
            Op::Misuse {
                challenge: 0,
                misuse: Misuse::Remove(0),
            },
            Op::Use { account: 1, device: 3 },
            Op::Refresh { account: 0, device: 0 },
            Op::SignOut { account: 0, device: 2 },
            Op::Remove {
                account: 0,
                by: 0,
                of: 1,
                device: 3,
            },
            Op::SwitchOff {
                account: 0,
                by: 1,
                proof: true,
            },
            Op::SwitchOn { account: 0, by: 1 },
            Op::ChangePassword {
                account: 0,
                by: 0,
                current: false,
            },
            Op::Reset { account: 0 },
            Op::Tick(30),
        ];
        let steps = read_steps(old).unwrap();
        assert_eq!(steps.iter().map(|step| step.op.clone()).collect::<Vec<_>>(), ops);
        assert_eq!(steps.iter().map(|step| step.times).max(), Some(5));
        let saved = serde_json::to_string(&steps).unwrap();
        assert_eq!(read_steps(&saved).unwrap(), steps);
        assert!(read_steps(r#"[{"step":"unheard-of"}]"#).is_err());
    }
}
