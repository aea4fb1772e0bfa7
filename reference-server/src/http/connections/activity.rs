//! Whether anything is under way on a connection. Requests are; pings that are answered, and bytes that make no request, are not.

use tokio::sync::watch;

use super::ConnectionLimits;

/// Requests under way on one connection.
#[derive(Clone)]
pub(super) struct Activity {
    requests: watch::Sender<usize>,
}

/// One request under way, until it is dropped.
pub(super) struct UnderWay(watch::Sender<usize>);

impl Activity {
    pub(super) fn new() -> Self {
        Self {
            requests: watch::Sender::new(0),
        }
    }

    pub(super) fn begin(&self) -> UnderWay {
        self.requests.send_modify(|requests| *requests += 1);
        UnderWay(self.requests.clone())
    }

    /// Ends when no request has been under way for as long as a connection may idle; before the first one it has to send its
    /// headers in time. Until the first bytes tell HTTP/1 from HTTP/2 no other timeout runs, and on HTTP/2 none does later.
    pub(super) async fn idle(&self, limits: ConnectionLimits) {
        let mut requests = self.requests.subscribe();
        let mut patience = limits.header_time;
        // The sender is this one's, so that neither wait fails.
        while requests.wait_for(|requests| *requests == 0).await.is_ok()
            && let Ok(Ok(())) = tokio::time::timeout(patience, requests.changed()).await
        {
            patience = limits.idle_time;
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.send_modify(|requests| *requests -= 1);
    }
}
