//! Where checks get their target: one of their own each, or one that all share.

use std::sync::Arc;

use async_trait::async_trait;
use targets::{Target, TargetError};

use crate::embedded::Embedded;
use crate::events::TargetInfo;
use crate::known_bad::KnownBad;

/// Gives targets to checks.
#[async_trait]
pub trait Provider: Send + Sync {
    /// A target for one check.
    async fn lease(&self) -> Result<Arc<dyn Target>, TargetError>;

    /// Whether every check has the same one, so that a check that moves its clock has to be alone.
    fn shared(&self) -> bool;

    /// What stands in the record.
    fn info(&self) -> TargetInfo;
}

/// A fresh reference server for every check.
pub struct Fresh {
    /// The known-bad server to start instead.
    pub known_bad: Option<&'static KnownBad>,
}

#[async_trait]
impl Provider for Fresh {
    async fn lease(&self) -> Result<Arc<dyn Target>, TargetError> {
        Ok(Arc::new(Embedded::start(self.known_bad).await?))
    }

    fn shared(&self) -> bool {
        false
    }

    fn info(&self) -> TargetInfo {
        let name = self.known_bad.map_or("reference-server (embedded)".to_owned(), |bad| {
            format!("known-bad server {}", bad.slug)
        });
        TargetInfo {
            name,
            urls: Vec::new(),
            binding: None,
        }
    }
}

/// One target for all.
pub struct Shared {
    /// The target.
    pub target: Arc<dyn Target>,
    /// The binding file it is spoken to by.
    pub binding: Option<String>,
}

#[async_trait]
impl Provider for Shared {
    async fn lease(&self) -> Result<Arc<dyn Target>, TargetError> {
        Ok(Arc::clone(&self.target))
    }

    fn shared(&self) -> bool {
        true
    }

    fn info(&self) -> TargetInfo {
        TargetInfo {
            name: self.target.name().to_owned(),
            urls: vec![self.target.origin().to_owned()],
            binding: self.binding.clone(),
        }
    }
}
