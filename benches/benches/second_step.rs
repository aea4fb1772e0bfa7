//! The second step, with the password hash that it stands beside. What the rows mean is said in the package's documentation.
#![allow(missing_docs, reason = "criterion's macros make public items")]

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use reference_server::adapters::admin::{Seed, seed};
use reference_server::ports::{Argon2id, CodeFor, CodeSource, HashMemory, ManualClock, Passwords, RecordingMailer};
use reference_server::service::{SignIn, SignInAnswer};
use reference_server::{Config, Deps, Service};
use specs::Parameters;
use specs::machine::{App, Guess, Limits, Op, Password, Spec, State, step};
use tokio::runtime::{Builder, Runtime};

const SOURCE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const PASSWORD: &str = "correct horse battery";
const CODE: &str = "271828";

/// The code is known beforehand, so that reading it is not measured.
struct KnownCode;

impl CodeSource for KnownCode {
    fn draw(&self, _: CodeFor<'_>) -> String {
        CODE.to_owned()
    }
}

/// A service with one account for each sign-in, so that no account's history grows while it is measured.
fn service(runtime: &Runtime, accounts: u64) -> Service {
    let mut deps = Deps::for_tests(Arc::new(ManualClock::default()), Arc::new(RecordingMailer::default()));
    deps.codes = Arc::new(KnownCode);
    let service = Service::new(deps, Config::default());
    let seeds = (0..accounts).map(|nth| Seed {
        email: email(nth),
        password: PASSWORD.to_owned(),
        two_step: true,
        device: None,
    });
    let seeded = runtime.block_on(seed(&service, seeds.collect()));
    assert!(seeded.is_ok(), "{:?}", seeded.err());
    service
}

fn email(nth: u64) -> String {
    format!("a{nth}@example.com")
}

/// Step one; the handle that step two needs.
async fn step_one(service: &Service, nth: u64) -> String {
    let request = SignIn {
        email: email(nth),
        password: PASSWORD.to_owned(),
        trust_token: None,
        installation: format!("installation-{nth}"),
        name: "phone".to_owned(),
        push_token: None,
        versions: vec!["2.3.0".to_owned()],
    };
    match service.sign_in(SOURCE, request).await {
        Ok(SignInAnswer::Challenge(challenge)) => challenge.handle.unwrap_or_default(),
        other => panic!("no challenge: {other:?}"),
    }
}

async fn step_two(service: &Service, handle: &str) {
    let verified = service.verify(SOURCE, handle, CODE, true).await;
    assert!(verified.is_ok(), "{:?}", verified.err());
}

fn sign_in(criterion: &mut Criterion) {
    let runtime = Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap_or_else(|error| panic!("no runtime: {error}"));
    let mut group = criterion.benchmark_group("sign-in");
    group.bench_function("in-process", |bencher| {
        bencher.iter_custom(|times| {
            let service = service(&runtime, times);
            runtime.block_on(async {
                let begun = Instant::now();
                for nth in 0..times {
                    let handle = step_one(&service, nth).await;
                    step_two(&service, &handle).await;
                }
                begun.elapsed()
            })
        });
    });
    group.bench_function("verify-alone", |bencher| {
        bencher.iter_custom(|times| {
            let service = service(&runtime, times);
            runtime.block_on(async {
                let mut handles = Vec::new();
                for nth in 0..times {
                    handles.push(step_one(&service, nth).await);
                }
                let begun = Instant::now();
                for handle in &handles {
                    step_two(&service, handle).await;
                }
                begun.elapsed()
            })
        });
    });
    group.finish();
}

fn password(criterion: &mut Criterion) {
    let argon2 = Argon2id::owasp();
    let mut memory = HashMemory::default();
    let hash = argon2.hash(PASSWORD, &mut memory);
    let mut group = criterion.benchmark_group("password");
    group.bench_function("argon2id-owasp", |bencher| {
        bencher.iter(|| assert!(argon2.verify(black_box(PASSWORD), &hash, &mut memory)));
    });
    group.finish();
}

fn machine(criterion: &mut Criterion) {
    let limits = Limits::from(&Parameters::default());
    let start = State::new(1);
    let begin = Op::SignIn {
        account: 0,
        device: 0,
        password: Password::Right,
        app: App::Current,
    };
    let finish = Op::Verify {
        challenge: 0,
        guess: Guess::Right,
    };
    let answer = step(&Spec, &limits, &step(&Spec, &limits, &start, &begin).state, &finish).answer;
    assert!(answer.accepted(), "{answer}");
    let mut group = criterion.benchmark_group("machine");
    group.throughput(Throughput::Elements(2));
    group.bench_function("step", |bencher| {
        bencher.iter(|| {
            let challenged = step(&Spec, &limits, black_box(&start), &begin).state;
            step(&Spec, &limits, &challenged, &finish)
        });
    });
    group.finish();
}

criterion_group! {
    name = second_step;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(4));
    targets = sign_in, password, machine
}
criterion_main!(second_step);
