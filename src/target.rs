//! Which target was meant: the embedded reference server, one that speaks the reference API, or one told by a binding.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use conformance::provider::{Fresh, Provider, Shared};
use conformance::spread::{Pace, Spread};
use conformance::verdict::Exit;
use targets::binding::{self, Running};
use targets::fakes::{FakeAddresses, Fakes};
use targets::{Control, EmailRoute, Native, NativeOptions, Target, TargetError};
use url::Url;

use crate::exit::refuse;
use crate::smoke;

/// What was typed about the target.
#[derive(Debug, clap::Args)]
pub(crate) struct TargetArgs {
    /// The origin of the target; without it, and without a binding that starts one, the reference server runs in the process. Given several times: instances of one service, spoken to in turn
    #[arg(long, value_name = "URL", value_parser = origin)]
    target: Vec<Url>,
    /// The control interface of a reference server: its clock is moved and its deliveries are pointed at the fakes
    #[arg(long, value_name = "URL", value_parser = origin, requires = "target", conflicts_with = "binding")]
    control: Option<Url>,
    /// A binding file, for a target that does not speak the reference API
    #[arg(long, value_name = "FILE")]
    binding: Option<PathBuf>,
    /// Where the target hands in its mail by SMTP
    #[arg(long, value_name = "ADDR", requires = "target")]
    smtp: Option<SocketAddr>,
    /// Seconds of real waiting a run may cost where the target's clock cannot be moved
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    waiting: u64,
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
    /// The interface by which the target's clock was stopped for the run.
    control: Option<Control>,
    _fakes: Option<Fakes>,
}

impl Ready {
    fn around(provider: impl Provider + 'static) -> Self {
        Self {
            provider: Arc::new(provider),
            deliveries: String::new(),
            running: None,
            control: None,
            _fakes: None,
        }
    }

    /// Stops what was started for the run, and lets a clock that was stopped for it run on.
    pub(crate) async fn stop(self) {
        if let Some(control) = self.control {
            // A target that is gone has no clock to run on.
            let _ = control.freeze(false).await;
        }
        if let Some(running) = self.running {
            running.stop().await;
        }
    }
}

impl TargetArgs {
    /// The command line that means the same target again.
    pub(crate) fn again(&self) -> String {
        let mut again = String::from("stepproof check");
        let mut add = |flag: &str, value: Option<String>| {
            if let Some(value) = value {
                again.push_str(&format!(" --{flag} {value}"));
            }
        };
        for target in &self.target {
            add("target", Some(target.to_string()));
        }
        add("control", self.control.as_ref().map(Url::to_string));
        add("binding", self.binding.as_ref().map(|path| path.display().to_string()));
        add("smtp", self.smtp.map(|address| address.to_string()));
        add("waiting", (self.waiting > 0).then(|| self.waiting.to_string()));
        add("rate", self.rate.map(|rate| rate.to_string()));
        if self.allow_remote {
            again.push_str(" --allow-remote");
        }
        again
    }

    /// Makes the target ready, or says why it cannot be.
    pub(crate) async fn ready(&self) -> Result<Ready, ExitCode> {
        let ready = self.open().await?;
        if ready.provider.shared() {
            let target = ready
                .provider
                .lease()
                .await
                .map_err(|error| refuse(Exit::Unreachable, error, None))?;
            if let Err(exit) = smoke::passes(target, &ready.deliveries).await {
                ready.stop().await;
                return Err(exit);
            }
        }
        Ok(ready)
    }

    async fn open(&self) -> Result<Ready, ExitCode> {
        let holds_a_user = |url: &Url| !url.username().is_empty() || url.password().is_some();
        if self.target.iter().chain(&self.control).any(holds_a_user) {
            // Not shown: it may be a real one.
            let what = "an origin holds a user or a password, which nothing here would send";
            return Err(refuse(Exit::Usage, what, Some("write it like http://127.0.0.1:8080")));
        }
        if let Some(url) = self
            .target
            .iter()
            .chain(&self.control)
            .find(|url| !self.allow_remote && !loopback(url))
        {
            let hint = "add --allow-remote if it is yours to test: accounts are locked there and messages are sent";
            return Err(refuse(Exit::Usage, format!("{url} is not on this machine"), Some(hint)));
        }
        match (&self.binding, &self.target[..]) {
            (Some(_), [_, _, ..]) => {
                let hint = Some("name one, or the address of a balancer before them");
                Err(refuse(Exit::Usage, "a binding speaks to one target", hint))
            }
            (Some(file), targets) => self.bound(file, targets.first()).await,
            (None, [first, others @ ..]) => self.native(first, others).await,
            (None, []) => Ok(Ready::around(Fresh { known_bad: None })),
        }
    }

    async fn bound(&self, file: &PathBuf, target: Option<&Url>) -> Result<Ready, ExitCode> {
        let binding = binding::load(file).map_err(|report| refuse(Exit::Usage, format!("{report:?}"), None))?;
        let running = match target {
            Some(target) => {
                reachable(target).await?;
                Running::attach(binding, target.as_str(), self.smtp).await
            }
            None => Running::start(binding).await,
        };
        let running = running.map_err(|error| refuse(Exit::Unreachable, error, None))?;
        let provider = self.shared(running.target.clone(), Vec::new(), Some(file.display().to_string()));
        Ok(Ready {
            provider: Arc::new(provider),
            deliveries: deliveries(running.fakes.smtp.url()),
            running: Some(running),
            control: None,
            _fakes: None,
        })
    }

    async fn native(&self, target: &Url, others: &[Url]) -> Result<Ready, ExitCode> {
        for url in [target].into_iter().chain(others) {
            reachable(url).await?;
        }
        let mut addresses = FakeAddresses::default();
        addresses.smtp = self.smtp.unwrap_or(addresses.smtp);
        let fakes = Fakes::start(addresses, Native::patterns()).await;
        let fakes =
            fakes.map_err(|error| refuse(Exit::Unreachable, format!("the delivery fakes cannot listen: {error}"), None))?;
        let control = match &self.control {
            Some(url) => Some(take_control(url, &fakes).await.map_err(|error| {
                let hint = "--control names the address that `stepproof serve --control` listens on, which is not the API's";
                refuse(
                    Exit::Unreachable,
                    format!("the control interface cannot be used: {error}"),
                    Some(hint),
                )
            })?),
            None => None,
        };
        let options = NativeOptions {
            name: target.to_string(),
            control: self.control.as_ref().map(|url| url.as_str().trim_end_matches('/').to_owned()),
            waiting: Duration::from_secs(self.waiting),
            faults: Some(fakes.faults.clone()),
            ..NativeOptions::new(target.as_str(), fakes.ledger.clone())
        };
        let open = |options| match Native::open(options) {
            Ok(native) => Ok(Arc::new(native) as Arc<dyn Target>),
            Err(error) => Err(refuse(Exit::Unreachable, error, None)),
        };
        let others = others.iter().map(|other| {
            let mut options = options.clone();
            other.as_str().trim_end_matches('/').clone_into(&mut options.origin);
            open(options)
        });
        let others = others.collect::<Result<_, _>>()?;
        let provider = self.shared(open(options)?, others, None);
        Ok(Ready {
            provider: Arc::new(provider),
            deliveries: deliveries(fakes.smtp.url()),
            running: None,
            control,
            _fakes: Some(fakes),
        })
    }
}

/// Points the deliveries at the fakes and stops the clock: however long a run stalls, no limit passes that it did not mean to
/// pass.
async fn take_control(url: &Url, fakes: &Fakes) -> Result<Control, TargetError> {
    let control = Control::new(url.as_str())?;
    let email = EmailRoute::Smtp(fakes.smtp.url());
    control.deliver_to(Some(&email), Some(&fakes.fcm.url())).await?;
    control.freeze(true).await?;
    Ok(control)
}

fn deliveries(smtp: String) -> String {
    format!(
        "does the service hand in its mail at {smtp}? --smtp names another address, --control points a reference server there"
    )
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
async fn reachable(url: &Url) -> Result<(), ExitCode> {
    let told = |what: String| {
        refuse(
            Exit::Unreachable,
            format!("{url} cannot be reached: {what}"),
            Some("is the server running, and is this its address?"),
        )
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

/// Whether the URL names this machine and nothing else.
pub(crate) fn loopback(url: &Url) -> bool {
    targets::is_loopback(url.as_str())
}
