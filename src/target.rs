//! Which target was meant: the embedded reference server, one that speaks the reference API, or one told by a binding.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use conformance::provider::{Fresh, Provider, Shared};
use conformance::spread::{Pace, Spread};
use targets::binding::{self, Binding, Running};
use targets::fakes::{FakeAddresses, Fakes};
use targets::{AdminClient, EmailRoute, Native, NativeOptions, Target, TargetError};
use url::Url;

use crate::exit::CliError;
use crate::smoke;

/// What was typed about the target.
#[derive(Debug, clap::Args)]
pub(crate) struct TargetArgs {
    /// The origin of the target; without it, and without a binding that starts one, the reference server runs in the process. Given several times: instances of one service, spoken to in turn
    #[arg(long, value_name = "URL", value_parser = origin)]
    target: Vec<Url>,
    /// The admin API of a reference server: its clock is moved and its deliveries are pointed at the fakes
    #[arg(long, value_name = "URL", alias = "control", value_parser = origin, requires = "target", conflicts_with = "binding")]
    admin: Option<Url>,
    /// A binding file, for a target that does not speak the reference API
    #[arg(long, value_name = "FILE")]
    binding: Option<PathBuf>,
    /// Where the target hands in its mail by SMTP
    #[arg(long, value_name = "ADDR", requires = "target")]
    smtp: Option<SocketAddr>,
    /// Seconds of real waiting a run may cost where the target's clock cannot be moved
    #[arg(long, value_name = "SECONDS", alias = "waiting", default_value_t = 0)]
    max_wait: u64,
    /// Allow a target that is not on this machine: accounts there are locked and messages are sent
    #[arg(long)]
    allow_remote: bool,
    /// Operations a second at most [default: no limit on this machine, 5 elsewhere]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), requires = "target")]
    rate: Option<u32>,
}

/// Operations a second on somebody else's machine.
const REMOTE_RATE: u32 = 5;

/// A target that is ready to be judged, with what keeps it alive.
pub(crate) struct Ready {
    pub(crate) provider: Arc<dyn Provider>,
    /// Where messages have to go, for a person who looks for them.
    deliveries: String,
    running: Option<Running>,
    /// By which the target's clock was stopped for the run.
    admin: Option<AdminClient>,
    _fakes: Option<Fakes>,
}

impl Ready {
    fn from_provider(provider: impl Provider + 'static) -> Self {
        Self {
            provider: Arc::new(provider),
            deliveries: String::new(),
            running: None,
            admin: None,
            _fakes: None,
        }
    }

    /// Stops what was started for the run, and lets a clock that was stopped for it run on.
    pub(crate) async fn stop(self) {
        if let Some(admin) = self.admin {
            // A target that is gone has no clock to run on.
            let _ = admin.freeze(false).await;
        }
        if let Some(running) = self.running {
            running.stop().await;
        }
    }
}

impl TargetArgs {
    /// The command line that means the same target again.
    pub(crate) fn to_command_line(&self) -> String {
        let mut line = String::from("stepproof check");
        let mut add = |flag: &str, value: Option<String>| {
            if let Some(value) = value {
                line.push_str(&format!(" --{flag} {value}"));
            }
        };
        for target in &self.target {
            add("target", Some(target.to_string()));
        }
        add("admin", self.admin.as_ref().map(Url::to_string));
        add("binding", self.binding.as_ref().map(|path| path.display().to_string()));
        add("smtp", self.smtp.map(|address| address.to_string()));
        add("max-wait", (self.max_wait > 0).then(|| self.max_wait.to_string()));
        add("rate", self.rate.map(|rate| rate.to_string()));
        if self.allow_remote {
            line.push_str(" --allow-remote");
        }
        line
    }

    /// Makes the target ready, or says why it cannot be.
    pub(crate) async fn ready(&self) -> Result<Ready, CliError> {
        let ready = self.open().await?;
        if ready.provider.shared() {
            let target = ready.provider.lease().await?;
            if let Err(error) = smoke::passes(target, &ready.deliveries).await {
                ready.stop().await;
                return Err(error);
            }
        }
        Ok(ready)
    }

    async fn open(&self) -> Result<Ready, CliError> {
        allowed(self.target.iter().chain(&self.admin), self.allow_remote)?;
        match (&self.binding, &self.target[..]) {
            (Some(_), [_, _, ..]) => {
                let error = CliError::usage("a binding speaks to one target");
                Err(error.hint("name one, or the address of a balancer before them"))
            }
            (Some(file), targets) => self.bound(file, targets.first()).await,
            (None, [first, others @ ..]) => self.native(first, others).await,
            (None, []) => Ok(Ready::from_provider(Fresh { variant: None })),
        }
    }

    async fn bound(&self, file: &Path, target: Option<&Url>) -> Result<Ready, CliError> {
        let binding = load(file)?;
        let running = match target {
            Some(target) => {
                reachable(target).await?;
                Running::attach(binding, target.as_str(), self.smtp).await
            }
            None => Running::start(binding).await,
        }?;
        let provider = self.shared(running.target.clone(), Vec::new(), Some(file.display().to_string()));
        Ok(Ready {
            provider: Arc::new(provider),
            deliveries: deliveries(running.fakes.smtp.url()),
            running: Some(running),
            admin: None,
            _fakes: None,
        })
    }

    async fn native(&self, target: &Url, others: &[Url]) -> Result<Ready, CliError> {
        for url in [target].into_iter().chain(others) {
            reachable(url).await?;
        }
        let mut addresses = FakeAddresses::default();
        addresses.smtp = self.smtp.unwrap_or(addresses.smtp);
        let fakes = Fakes::start(addresses, Native::patterns()).await;
        let fakes = fakes.map_err(|error| CliError::unreachable(format!("the delivery fakes cannot listen: {error}")))?;
        let admin = match &self.admin {
            Some(url) => Some(take_over(url, &fakes).await.map_err(|error| {
                CliError::unreachable(format!("the admin API cannot be used: {error}"))
                    .hint("--admin names the address that `stepproof serve --admin` listens on, which is not the API's")
            })?),
            None => None,
        };
        let options = NativeOptions {
            name: target.to_string(),
            admin: self.admin.as_ref().map(|url| url.as_str().trim_end_matches('/').to_owned()),
            waiting: Duration::from_secs(self.max_wait),
            faults: Some(fakes.faults.clone()),
            ..NativeOptions::new(target.as_str(), fakes.deliveries.clone())
        };
        let open = |options| Native::open(options).map(|native| Arc::new(native) as Arc<dyn Target>);
        let others = others.iter().map(|other| {
            let mut options = options.clone();
            other.as_str().trim_end_matches('/').clone_into(&mut options.origin);
            open(options)
        });
        let others = others.collect::<Result<_, TargetError>>()?;
        let provider = self.shared(open(options)?, others, None);
        Ok(Ready {
            provider: Arc::new(provider),
            deliveries: deliveries(fakes.smtp.url()),
            running: None,
            admin,
            _fakes: Some(fakes),
        })
    }
}

/// Points the deliveries at the fakes and stops the clock: however long a run stalls, no limit passes that it did not mean to
/// pass.
async fn take_over(url: &Url, fakes: &Fakes) -> Result<AdminClient, TargetError> {
    let admin = AdminClient::new(url.as_str())?;
    let email = EmailRoute::Smtp(fakes.smtp.url());
    admin.deliver_to(Some(&email), Some(&fakes.fcm.url())).await?;
    admin.freeze(true).await?;
    Ok(admin)
}

fn deliveries(smtp: String) -> String {
    format!("does the service hand in its mail at {smtp}? --smtp names another address, --admin points a reference server there")
}

impl TargetArgs {
    fn shared(&self, target: Arc<dyn Target>, others: Vec<Arc<dyn Target>>, binding: Option<String>) -> Shared {
        let remote = self.target.iter().any(|url| !loopback(url)).then_some(REMOTE_RATE);
        let pace = self.rate.or(remote).map(Pace::per_second);
        let mut urls: Vec<String> = self.target.iter().map(Url::to_string).collect();
        if urls.is_empty() {
            urls.push(target.origin().to_owned());
        }
        let target = if others.is_empty() && pace.is_none() {
            target
        } else {
            Arc::new(Spread::new(target, others, pace))
        };
        Shared { target, urls, binding }
    }
}

/// Says so at once when nobody listens, rather than once a check.
async fn reachable(url: &Url) -> Result<(), CliError> {
    let told = |what: String| {
        CliError::unreachable(format!("{url} cannot be reached: {what}")).hint("is the server running, and is this its address?")
    };
    let host = url.host_str().unwrap_or("").trim_matches(['[', ']']).to_owned();
    let port = url.port_or_known_default().unwrap_or(80);
    match tokio::time::timeout(Duration::from_secs(5), tokio::net::TcpStream::connect((host, port))).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(told(error.to_string())),
        Err(_) => Err(told("no answer within 5 s".to_owned())),
    }
}

/// An origin as it is typed.
pub(crate) fn origin(text: &str) -> Result<Url, String> {
    let example = "an origin is written like http://127.0.0.1:8080";
    let url = Url::parse(text).map_err(|error| format!("{error}: {example}"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(format!("neither http nor https: {example}"));
    }
    Ok(url)
}

/// Reads a binding, whose faults are shown where they are.
pub(crate) fn load(file: &Path) -> Result<Binding, CliError> {
    binding::load(file).map_err(|report| CliError::usage(format!("{report:?}")))
}

/// Whether these may be spoken to: origins on this machine, or on others where that was allowed.
pub(crate) fn allowed<'a>(urls: impl Iterator<Item = &'a Url>, remote: bool) -> Result<(), CliError> {
    for url in urls {
        if !url.username().is_empty() || url.password().is_some() {
            // Not shown: it may be a real one.
            let error = CliError::usage("an origin holds a user or a password, which nothing here would send");
            return Err(error.hint("write it like http://127.0.0.1:8080"));
        }
        if !remote && !loopback(url) {
            let error = CliError::usage(format!("{url} is not on this machine"));
            let hint = "add --allow-remote if it is yours to test: accounts are created and locked there, and messages are sent";
            return Err(error.hint(hint));
        }
    }
    Ok(())
}

/// Whether the URL names this machine and nothing else.
fn loopback(url: &Url) -> bool {
    targets::is_loopback(url.as_str())
}
