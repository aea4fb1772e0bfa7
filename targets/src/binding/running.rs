//! A bound implementation with all that it needs around it: the fakes that take its mail, and the process when it was
//! started here.

use std::net::SocketAddr;
use std::sync::Arc;

use super::engine::BoundTarget;
use super::launch::{LaunchError, Launched, launch};
use super::plan::Binding;
use crate::fakes::{FakeAddresses, Fakes};
use crate::http::{HttpClient, Limits};
use crate::target::TargetError;
use crate::transcript::Transcript;

/// Why a bound implementation could not be had.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// It could not be started.
    #[error(transparent)]
    Launch(#[from] LaunchError),
    /// The fakes could not listen.
    #[error("the fakes cannot listen: {0}")]
    Fakes(#[from] std::io::Error),
    /// The harness's own client could not be set up.
    #[error(transparent)]
    Client(#[from] TargetError),
}

/// A bound implementation. Dropping it stops what was started for it.
pub struct Running {
    pub target: Arc<BoundTarget>,
    pub fakes: Fakes,
    launched: Option<Launched>,
}

impl Running {
    /// Starts the implementation as its binding says, on free ports.
    pub async fn start(binding: Binding) -> Result<Self, StartError> {
        let fakes = Fakes::start(FakeAddresses::default(), binding.patterns()).await?;
        let launched = launch(&binding, fakes.smtp.address()).await?;
        Self::around(binding, launched.origin().to_owned(), fakes, Some(launched))
    }

    /// Speaks to one that runs already and hands in its mail at `smtp`.
    pub async fn attach(binding: Binding, origin: &str, smtp: Option<SocketAddr>) -> Result<Self, StartError> {
        let mut addresses = FakeAddresses::default();
        addresses.smtp = smtp.unwrap_or(addresses.smtp);
        let fakes = Fakes::start(addresses, binding.patterns()).await?;
        Self::around(binding, origin.to_owned(), fakes, None)
    }

    fn around(binding: Binding, origin: String, fakes: Fakes, launched: Option<Launched>) -> Result<Self, StartError> {
        let wire = HttpClient::new(Limits::default(), Transcript::default())?;
        Ok(Self {
            target: Arc::new(BoundTarget::new(binding, origin, fakes.deliveries.clone(), wire)),
            fakes,
            launched,
        })
    }

    /// Stops what was started here, and waits until it has left.
    pub async fn stop(mut self) {
        if let Some(launched) = &mut self.launched {
            launched.stop().await;
        }
    }
}
