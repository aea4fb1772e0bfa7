use std::collections::HashSet;
use std::io::Write as _;

use super::*;
use crate::plan::arrivals::Schedule;
use crate::plan::scenario::{library, load};

fn storm(text: &str) -> Scenario {
    load::parse(
        Path::new("storm.toml"),
        &format!("name = 'x'\ntitle = 'x'\nseconds = 10\n{text}"),
    )
    .unwrap()
}

fn mixed() -> Scenario {
    storm(
        "[[parties]]\nname = 'people'\narrivals = { rate = 10 }\njourney = 'new-device'\naccounts = 100\n\
         [[parties]]\nname = 'mail'\narrivals = { rate = 10 }\njourney = 'new-device'\ndevice = 'push-off'\naccounts = 50\n\
         [[parties]]\nname = 'bots'\nattacker = true\narrivals = { rate = 10 }\njourney = 'guess-codes'\naccounts_of = 'people'\n\
         accounts = 10\nsources = 3\n",
    )
}

#[test]
fn parties_stand_one_after_another_and_attackers_share() {
    let population = Population::of(&mixed(), 1).unwrap();
    assert_eq!(population.total(), 150);
    assert_eq!(
        (population.range(0), population.range(1), population.range(2)),
        (0..100, 100..150, 0..10)
    );
    assert!(population.receives_push(99) && !population.receives_push(100));
}

#[test]
fn without_a_number_there_is_one_account_for_each_arrival() {
    for stored in library::STORMS {
        let scenario = stored.scenario().unwrap();
        let population = Population::of(&scenario, 4).unwrap();
        let mut arrivals = vec![0; scenario.parties.len()];
        Schedule::new(&scenario, 4, None)
            .unwrap()
            .for_each(|arrival| arrivals[usize::from(arrival.party)] += 1);
        for (nth, party) in scenario.parties.iter().enumerate() {
            let range = population.range(nth as u16);
            if party.accounts_of.is_none() {
                assert_eq!(range.end - range.start, arrivals[nth], "{} of {}", party.name, stored.name);
            }
        }
    }
}

#[test]
fn what_is_unique_is_unique_and_what_is_shared_is_shared() {
    let population = Population::of(&mixed(), 1).unwrap();
    let accounts: Vec<Account> = (0..150).map(|number| population.account(number).unwrap()).collect();
    let unique = |of: fn(&Account) -> Option<String>| accounts.iter().filter_map(of).collect::<HashSet<_>>().len();
    assert_eq!(unique(|account| Some(account.email.clone())), 150);
    assert_eq!(unique(|account| Some(account.device.installation.clone())), 150);
    assert_eq!(
        unique(|account| account.device.push_token.clone()),
        100,
        "none for those without push"
    );
    assert_eq!(unique(|account| account.trust_token.clone()), 150);
    assert_eq!(unique(|account| Some(account.password.clone())), 1);
    let again = Population::of(&mixed(), 1).unwrap();
    assert_eq!(again.account(7).unwrap(), accounts[7]);
    let other = Population::of(&mixed(), 2).unwrap();
    assert_ne!(other.account(7).unwrap().trust_token, accounts[7].trust_token);
    assert_ne!(population.device(7, 1), population.device(7, 2));
    assert!(population.device(7, 1).push_token.is_some());
    let passwords = [
        PASSWORD.to_owned(),
        population.changed_password(7),
        population.changed_password(8),
        population.wrong_password(7, 0),
        population.wrong_password(7, 1),
    ];
    assert_eq!(passwords.iter().collect::<HashSet<_>>().len(), passwords.len());
}

#[test]
fn trust_tokens_have_the_shape_of_the_reference_servers() {
    let token = Population::of(&mixed(), 1).unwrap().account(3).unwrap().trust_token.unwrap();
    let secret = token.strip_prefix("tt_").unwrap();
    assert_eq!(secret.len(), 43);
    assert_eq!(data_encoding::BASE64URL_NOPAD.decode(secret.as_bytes()).unwrap().len(), 32);
}

#[test]
fn what_was_sent_somewhere_tells_whose_it_is() {
    let population = Population::of(&mixed(), u64::MAX).unwrap();
    let account = population.account(42).unwrap();
    assert_eq!(account_of_email(&account.email), Some(42));
    assert_eq!(
        account_of_push_token(&account.device.push_token.unwrap()),
        Some((42, TRUSTED))
    );
    assert_eq!(
        account_of_push_token(&population.device(42, 3).push_token.unwrap()),
        Some((42, 3))
    );
    for strange in [
        "",
        "storm-@example.com",
        "storm-1@example.org",
        "push-1-2",
        "push-1-2-3-4",
        "push-1-x-3",
    ] {
        assert_eq!(
            (account_of_email(strange), account_of_push_token(strange)),
            (None, None),
            "{strange}"
        );
    }
}

#[test]
fn sources_are_loopback_apart_from_each_other_and_shared_where_they_are() {
    let population = Population::of(&mixed(), 1).unwrap();
    let own: HashSet<IpAddr> = (0..50_000).map(|identity| population.source(identity, 0)).collect();
    let shared: HashSet<IpAddr> = (0..1000).map(|identity| population.source(identity, 2)).collect();
    assert_eq!((own.len(), shared.len()), (50_000, 3));
    // Each sort has a part of the loopback of its own, and neither is that of servers.
    for (addresses, part) in [(&own, 64..128), (&shared, 128..192)] {
        for address in addresses {
            let IpAddr::V4(address) = address else {
                unreachable!("all are IPv4")
            };
            assert!(address.is_loopback() && part.contains(&address.octets()[1]), "{address}");
        }
    }
    assert_eq!(
        population.source(5, 0),
        population.source(5, 1),
        "one address each, whatever the party"
    );
}

#[test]
fn bodies_are_those_of_the_control_interface() {
    let population = Population::of(&mixed(), 1).unwrap();
    let bodies: Vec<Vec<u8>> = prepare::control_bodies(&population, None, 64).map(Result::unwrap).collect();
    let bodies: Vec<serde_json::Value> = bodies.iter().map(|body| serde_json::from_slice(body).unwrap()).collect();
    let accounts: Vec<&serde_json::Value> = bodies.iter().flat_map(|body| body["accounts"].as_array().unwrap()).collect();
    assert_eq!((bodies.len(), accounts.len()), (3, 150));
    assert_eq!(bodies[0]["accounts"].as_array().unwrap().len(), 64);
    let known = population.account(70).unwrap();
    assert_eq!(
        *accounts[70],
        serde_json::json!({
            "email": "storm-70@example.com",
            "password": PASSWORD,
            "two_step": true,
            "device": {
                "installation": known.device.installation,
                "name": "Phone of 70",
                "trust_token": known.trust_token,
                "push_token": known.device.push_token,
            },
        })
    );
    assert!(accounts[120]["device"].get("push_token").is_none());
}

#[test]
fn each_slice_prepares_its_own_accounts_and_no_other() {
    let population = Population::for_slices(&mixed(), 1, 2).unwrap();
    let emails = |slice: Option<Slice>| -> Vec<String> {
        let bodies = prepare::control_bodies(&population, slice, 64).map(Result::unwrap);
        let bodies = bodies.map(|body| serde_json::from_slice::<serde_json::Value>(&body).unwrap());
        let accounts = bodies.flat_map(|body| body["accounts"].as_array().unwrap().clone());
        accounts
            .map(|account| account["email"].as_str().unwrap().to_owned())
            .collect()
    };
    let mut both: Vec<String> = Vec::new();
    for index in 0..2 {
        let own = emails(Some(Slice { index, of: 2 }));
        assert_eq!(own[1], format!("storm-{}@example.com", index + 2));
        both.extend(own);
    }
    both.sort_unstable();
    let mut whole = emails(None);
    whole.sort_unstable();
    assert_eq!(both, whole);
}

fn from_text(text: &str) -> Result<Population, ScenarioError> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    Population::from_file(file.path(), &mixed(), 1, 1)
}

#[test]
fn accounts_of_a_file_are_found_by_their_number() {
    let mut text = "\u{feff}email,push_token,password\r\n".to_owned();
    for row in 0..1000 {
        text.push_str(&format!("real{row}@example.net,\"push,{row}\",\"pass \"\"{row}\"\"\"\r\n"));
    }
    let population = from_text(&text).unwrap();
    for number in [0, 1, 255, 256, 257, 511, 512, 999, 3] {
        let account = population.account(number).unwrap();
        assert_eq!(account.email, format!("real{number}@example.net"));
        assert_eq!(account.password, format!("pass \"{number}\""));
        let push = population.receives_push(number).then(|| format!("push,{number}"));
        assert_eq!((account.device.push_token, account.trust_token), (push, None));
    }
    assert!(population.account(1000).is_err());
}

#[test]
fn a_wrong_file_of_accounts_is_told_with_its_line() {
    let full: String = (0..150).map(|row| format!("a{row}@example.net,pw\n")).collect();
    for (text, told) in [
        (String::new(), "has no line"),
        (
            "address,password\n".to_owned(),
            "line 1: the first line names no column `email`",
        ),
        ("email\n".to_owned(), "line 1: the first line names no column `password`"),
        (
            "email,password\na@example.net,\n".to_owned(),
            "line 2: has no address or no password",
        ),
        (
            "email,password\na@example.net,x\n\n".to_owned(),
            "line 3: has no address or no password",
        ),
        (
            "email,password\n\"a@example.net,x\n".to_owned(),
            "line 2: a quote is not closed",
        ),
        (
            "email,password\na@example.net,x\n".to_owned(),
            "has 1 accounts, and the storm needs 150",
        ),
    ] {
        let error = from_text(&text).unwrap_err();
        assert!(error.to_string().contains(told), "{error}");
    }
    assert!(from_text(&format!("email,password\n{full}")).is_ok());
}
