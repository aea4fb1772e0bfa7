//! Where checks get their target: one of their own each, or one that all share.

use std::sync::Arc;

use async_trait::async_trait;
use targets::{Device, RawRequest, Target, TargetError};

use crate::embedded::{Embedded, Variant};
use crate::events::TargetInfo;

#[async_trait]
pub trait TargetPool: Send + Sync {
    /// A target for one check.
    async fn acquire(&self) -> Result<Arc<dyn Target>, TargetError>;

    /// Whether the target still answers, asked after an exchange had no answer. A fresh one is always there.
    async fn alive(&self) -> bool {
        true
    }

    /// Whether every check has the same one, so that a check that moves its clock has to be alone.
    fn shared(&self) -> bool;

    /// What stands in the record.
    fn info(&self) -> TargetInfo;
}

/// A fresh reference server for every check.
pub struct PerCheckTarget {
    pub variant: Option<Variant>,
}

#[async_trait]
impl TargetPool for PerCheckTarget {
    async fn acquire(&self) -> Result<Arc<dyn Target>, TargetError> {
        Ok(Arc::new(Embedded::start(self.variant).await?))
    }

    fn shared(&self) -> bool {
        false
    }

    fn info(&self) -> TargetInfo {
        let variant = self.variant.map(|variant| format!("mutant {}", variant.name));
        TargetInfo {
            name: variant.unwrap_or_else(|| "reference-server (embedded)".to_owned()),
            ..TargetInfo::default()
        }
    }
}

/// One target for all.
pub struct SharedTarget {
    pub target: Arc<dyn Target>,
    pub urls: Vec<String>,
    /// The file it is spoken to by.
    pub binding: Option<String>,
}

#[async_trait]
impl TargetPool for SharedTarget {
    async fn acquire(&self) -> Result<Arc<dyn Target>, TargetError> {
        Ok(Arc::clone(&self.target))
    }

    async fn alive(&self) -> bool {
        let asked = RawRequest {
            method: "GET".to_owned(),
            path: "/".to_owned(),
            ..RawRequest::default()
        };
        // Any answer will do.
        self.target.raw(&Device::new("harness", "harness"), asked).await.is_ok()
    }

    fn shared(&self) -> bool {
        true
    }

    fn info(&self) -> TargetInfo {
        TargetInfo {
            name: self.target.name().to_owned(),
            urls: self.urls.clone(),
            binding: self.binding.clone(),
        }
    }
}
