//! What is under load: a reference server of the storm's own, one that runs already, or any implementation through its binding;
//! and the sink that it delivers to.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use specs::Parameters;
use targets::binding::launch::{Launched, launch};
use targets::{BoundTarget, DeliveryLog, HttpClient, Limits, Operation, Outcome, Target, Transcript};

use crate::client::{Lines, Phone, Waits};
use crate::drive::server::{AdminClient, Child, Options};
use crate::flow::ServiceProfile;
use crate::measure::resources::Watched;
use crate::plan::Shard;
use crate::plan::population::Population;
use crate::plan::population::prepare::admin_bodies;
use crate::plan::scenario::Scenario;
use crate::record::TargetFacts;
use crate::sink::{Sink, SinkOptions};

/// Accounts that are signed up at once, where there is no admin API.
const SIGN_UPS: usize = 8;

/// How long a storm's client waits for an answer.
const WAITS: Waits = Waits {
    connect: Duration::from_secs(10),
    answer: Duration::from_secs(20),
};

/// What shall be under load.
#[derive(Clone, Debug)]
pub enum Choice {
    /// A reference server of the storm's own.
    Own(Options),
    /// A service that speaks the reference API and runs already.
    Native(Native),
    /// An implementation, spoken to by its binding.
    Bound(Bound),
}

/// A service that speaks the reference API.
#[derive(Clone, Debug)]
pub struct Native {
    pub origin: String,
    /// Its admin API, where there is one: accounts are prepared there, and it is told where to deliver.
    pub admin: Option<String>,
    /// Accounts that exist there already; without them and without a admin API, people sign up.
    pub accounts: Option<PathBuf>,
    /// Where its metrics are, if they tell processor time.
    pub metrics: Option<String>,
    /// Where the sink shall listen.
    pub listen: Listen,
}

/// An implementation behind a binding.
#[derive(Clone, Debug)]
pub struct Bound {
    pub file: PathBuf,
    /// Where it runs; started as the binding says without it.
    pub origin: Option<String>,
    /// Accounts that exist there already; without them people sign up.
    pub accounts: Option<PathBuf>,
    /// Where the sink shall listen.
    pub listen: Listen,
}

/// Where the sink listens; free loopback ports where nothing is said.
#[derive(Clone, Copy, Debug, Default)]
pub struct Listen {
    pub http: Option<SocketAddr>,
    pub smtp: Option<SocketAddr>,
}

/// A service under load.
pub struct UnderLoad {
    /// Its name in the record.
    pub name: String,
    pub origin: String,
    pub(crate) lines: Lines,
    pub(crate) profile: ServiceProfile,
    pub(crate) parameters: Parameters,
    pub(crate) sink: Sink,
    accounts: Option<PathBuf>,
    metrics: Option<String>,
    kind: Kind,
}

enum Kind {
    Own(Box<Child>),
    Controlled(String),
    Native,
    Bound(Arc<BoundTarget>, Option<Box<Launched>>),
}

impl UnderLoad {
    /// Starts it, or finds it. Phones speak to it over no more connections at once than these, where files are few; a binding's
    /// target has its own.
    pub async fn open(choice: &Choice, connections: Option<usize>) -> anyhow::Result<Self> {
        match choice {
            Choice::Own(server) => Self::own(server, connections).await,
            Choice::Native(native) => Self::native(native, connections).await,
            Choice::Bound(bound) => Self::bound(bound).await,
        }
    }

    async fn own(server: &Options, connections: Option<usize>) -> anyhow::Result<Self> {
        let sink = start_sink(Listen::default(), targets::Native::patterns())?;
        let server = Options {
            push: Some(sink.fcm_url()),
            email: Some(sink.smtp_url()),
            ..server.clone()
        };
        let child = Child::start(&server).await?;
        let name = match &server.mutant {
            Some(slug) => format!("reference server, mutant {slug}"),
            None => "reference server".to_owned(),
        };
        let origin = child.addresses().api.clone();
        let lines = Lines::native_within(&origin, WAITS, connections).await?;
        Ok(Self::around(
            name,
            lines,
            origin,
            server.parameters()?,
            sink,
            Kind::Own(Box::new(child)),
        ))
    }

    async fn native(native: &Native, connections: Option<usize>) -> anyhow::Result<Self> {
        reachable(&native.origin).await?;
        let sink = start_sink(native.listen, targets::Native::patterns())?;
        let kind = match &native.admin {
            Some(control) => {
                let mut client = AdminClient::open(control).await?;
                client.deliver_to(Some(&sink.smtp_url()), Some(&sink.fcm_url())).await?;
                Kind::Controlled(control.clone())
            }
            None => Kind::Native,
        };
        let origin = native.origin.trim_end_matches('/').to_owned();
        let lines = Lines::native_within(&origin, WAITS, connections).await?;
        let mut service = Self::around(origin.clone(), lines, origin, Parameters::default(), sink, kind);
        service.accounts = native.accounts.clone();
        service.metrics = native.metrics.clone();
        Ok(service)
    }

    async fn bound(bound: &Bound) -> anyhow::Result<Self> {
        let binding = targets::binding::load(&bound.file).map_err(|report| anyhow::anyhow!("{report:?}"))?;
        let sink = start_sink(bound.listen, binding.patterns())?;
        let (origin, launched) = match &bound.origin {
            Some(origin) => {
                reachable(origin).await?;
                (origin.clone(), None)
            }
            None => {
                let launched = launch(&binding, sink.smtp_address()).await?;
                (launched.origin().to_owned(), Some(Box::new(launched)))
            }
        };
        let limits = Limits {
            within: WAITS.answer,
            ..Limits::default()
        };
        let wire = HttpClient::new(limits, Transcript::keeping(64))?;
        let deliveries = DeliveryLog::new(binding.patterns());
        let target = Arc::new(BoundTarget::new(binding, origin.clone(), deliveries, wire));
        let parameters = target.parameters().clone();
        let lines = Lines::bound(Arc::clone(&target) as Arc<dyn Target>);
        Ok(Self {
            name: target.name().to_owned(),
            origin,
            lines,
            profile: ServiceProfile::of(&parameters),
            parameters,
            sink,
            accounts: bound.accounts.clone(),
            metrics: None,
            kind: Kind::Bound(target, launched),
        })
    }

    fn around(name: String, lines: Lines, origin: String, parameters: Parameters, sink: Sink, kind: Kind) -> Self {
        Self {
            name,
            lines,
            origin,
            profile: ServiceProfile::of(&parameters),
            parameters,
            sink,
            accounts: None,
            metrics: None,
            kind,
        }
    }

    /// The accounts of a storm, as they are known here.
    pub(crate) fn population(&self, scenario: &Scenario, seed: u64, shards: u32) -> anyhow::Result<Population> {
        let mut population = match &self.accounts {
            Some(file) => Population::from_file(file, scenario, seed, shards)?,
            None => Population::for_shards(scenario, seed, shards)?,
        };
        if !self.prepares_trust() && self.accounts.is_none() {
            population = population.without_trust();
        }
        Ok(population)
    }

    /// Prepares the accounts of a storm, or of one shard of it.
    pub async fn prepare(&self, scenario: &Scenario, seed: u64, shard: Option<Shard>) -> anyhow::Result<()> {
        let population = self.population(scenario, seed, shard.map_or(1, |shard| shard.of))?;
        match &self.kind {
            _ if self.accounts.is_some() => Ok(()),
            Kind::Own(child) => create(&child.addresses().control, &population, shard).await,
            Kind::Controlled(control) => create(control, &population, shard).await,
            Kind::Native => self.sign_up(&population, shard, true).await,
            Kind::Bound(target, _) => self.sign_up(&population, shard, target.two_step_by_default()).await,
        }
    }

    /// Everybody signs up, and switches two-step verification on where it is not.
    async fn sign_up(&self, population: &Population, shard: Option<Shard>, two_step: bool) -> anyhow::Result<()> {
        let one = |number: u64| async move {
            let account = population.account(number)?;
            let mut line = self.lines.open(None);
            let mut phone = Phone::new(format!("registration-{number}"), "registration");
            phone.app_version = Some(self.profile.served.clone());
            let create = Operation::CreateAccount {
                email: account.email.clone(),
                password: account.password.clone(),
            };
            let mut steps = vec![create];
            if !two_step {
                let (email, password) = (account.email, account.password.clone());
                steps.push(Operation::SignIn { email, password });
                steps.push(Operation::SetTwoStep {
                    enabled: true,
                    password: Some(account.password),
                });
                steps.push(Operation::SignOut {});
            }
            for step in steps {
                let kind = step.kind();
                match line.perform(&mut phone, step).await.outcome {
                    Ok(Outcome::Done | Outcome::SignedIn) => {}
                    Ok(other) => bail!("account {number}: {kind} was answered {other:?}"),
                    Err(unanswered) => bail!("account {number}: {kind}: {unanswered}"),
                }
            }
            Ok(())
        };
        stream::iter(population.numbers(shard).map(one))
            .buffer_unordered(SIGN_UPS)
            .try_collect::<()>()
            .await
            .context("the accounts cannot be prepared")
    }

    /// Whether prepared accounts have a trusted device.
    pub(crate) fn prepares_trust(&self) -> bool {
        matches!(self.kind, Kind::Own(_) | Kind::Controlled(_))
    }

    /// Where its use of the machine is read.
    pub(crate) fn watched(&self) -> Watched {
        let page = |url: &str| url::Url::parse(url).map_or(Watched::Not, Watched::Page);
        match &self.kind {
            Kind::Own(child) => Watched::Process(child.addresses().pid),
            Kind::Controlled(control) => page(&format!("{}/metrics", control.trim_end_matches('/'))),
            _ => self.metrics.as_deref().map_or(Watched::Not, page),
        }
    }

    /// Whether it is the storm's own.
    pub(crate) fn is_own(&self) -> bool {
        matches!(self.kind, Kind::Own(_))
    }

    /// Whether it is on this machine.
    pub(crate) fn here(&self) -> bool {
        self.lines.loopback()
    }

    /// What is told of it in the record.
    pub(crate) fn facts(&self) -> TargetFacts {
        TargetFacts {
            name: self.name.clone(),
            origin: self.origin.clone(),
        }
    }

    /// Stops what was started, and waits until it has left.
    pub async fn stop(self) {
        match self.kind {
            Kind::Bound(_, Some(mut launched)) => launched.stop().await,
            // However it ends, it ends: it is killed where it does not leave by itself.
            Kind::Own(child) => drop(child.stop().await),
            _ => {}
        }
    }
}

/// Accounts of one call.
const BATCH: usize = 5_000;

/// Creates the accounts of a population over a admin API.
async fn create(control: &str, population: &Population, shard: Option<Shard>) -> anyhow::Result<()> {
    let mut wrong = None;
    let bodies = admin_bodies(population, shard, BATCH).map_while(|body| body.map_err(|error| wrong = Some(error)).ok());
    AdminClient::open(control).await?.seed_bodies(bodies).await?;
    wrong.map_or(Ok(()), |error| Err(error.into()))
}

fn start_sink(listen: Listen, patterns: targets::Patterns) -> anyhow::Result<Sink> {
    let mut options = SinkOptions::new(patterns);
    options.http = listen.http.unwrap_or(options.http);
    options.smtp = listen.smtp.unwrap_or(options.smtp);
    Sink::start(options).context("the delivery sink cannot listen")
}

/// Says so at once when nobody listens there.
async fn reachable(origin: &str) -> anyhow::Result<()> {
    let url = url::Url::parse(origin).with_context(|| format!("`{origin}` is no URL"))?;
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    let port = url.port_or_known_default().unwrap_or(80);
    let connect = tokio::net::TcpStream::connect((host, port));
    match tokio::time::timeout(WAITS.connect, connect).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => bail!("{origin} cannot be reached: {error}; is the server running, and is this its address?"),
        Err(_) => bail!("{origin} cannot be reached: no answer within {} s", WAITS.connect.as_secs()),
    }
}
