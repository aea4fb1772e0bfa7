//! What answers a request: the reference API over a service, and what may stand around it.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::Response;

use super::handlers;
use super::request::ApiRequest;
use crate::config::Config;
use crate::deps::Deps;
use crate::service::Service;

/// The reference API over a service.
#[derive(Clone)]
pub struct Router {
    service: Service,
    middleware: Option<Arc<dyn Middleware>>,
}

/// Something around the API that sees each request before it and each answer after it, such as a gateway that gets something
/// wrong. The server itself has none.
#[async_trait]
pub trait Middleware: Send + Sync {
    /// Answers, by calling `next` as often as it likes.
    async fn answer(&self, next: &Router, request: ApiRequest) -> Response<Bytes>;
}

impl Router {
    pub fn new(service: Service, middleware: Option<Arc<dyn Middleware>>) -> Self {
        Self { service, middleware }
    }

    pub fn service(&self) -> &Service {
        &self.service
    }

    pub async fn answer(&self, request: ApiRequest) -> Response<Bytes> {
        match &self.middleware {
            Some(middleware) => middleware.answer(&Self::from(self.service.clone()), request).await,
            None => handlers::route(&self.service, &request)
                .await
                .unwrap_or_else(|refusal| refusal.response()),
        }
    }
}

impl From<Service> for Router {
    fn from(service: Service) -> Self {
        Self::new(service, None)
    }
}

/// A server to be: what its service is made of, and what stands around its API.
#[derive(Clone)]
pub struct Composition {
    pub deps: Deps,
    pub middleware: Option<Arc<dyn Middleware>>,
}

impl Composition {
    pub fn wrap(&mut self, middleware: impl Middleware + 'static) {
        self.middleware = Some(Arc::new(middleware));
    }

    /// The service of these parts, and its API with what stands around it.
    pub fn router(self, config: Config) -> Router {
        Router::new(Service::new(self.deps, config), self.middleware)
    }
}

impl From<Deps> for Composition {
    fn from(deps: Deps) -> Self {
        Self { deps, middleware: None }
    }
}
