//! The reference API on a connection of the device's own.

use std::net::IpAddr;
use std::sync::Arc;

use targets::Operation;

use super::lines::Service;
use super::wire::Wire;
use super::{Phone, Reply, Unanswered, reading, request};

/// A device's line to a service that speaks the reference API.
pub struct Native {
    service: Arc<Service>,
    wire: Wire,
}

impl Native {
    pub(super) fn new(service: Arc<Service>, source: Option<IpAddr>) -> Self {
        Self {
            wire: Wire::new(Arc::clone(&service), source),
            service,
        }
    }

    pub(super) fn close(&mut self) {
        self.wire.close();
    }

    pub(super) async fn perform(&mut self, phone: &mut Phone, operation: &Operation) -> Reply {
        let request = match request::build(&self.service, phone, operation) {
            Ok(request) => request,
            Err(why) => return Reply::unanswered(Unanswered::NotSent(why)),
        };
        match self.wire.exchange(request).await {
            Ok(answer) => reading::read(operation.kind(), &answer, phone),
            Err(why) => Reply::unanswered(why),
        }
    }
}
