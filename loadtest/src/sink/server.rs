//! The sinks together, on threads of their own: a storm that keeps every other thread busy delays no delivery unseen.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use targets::delivery_log::Patterns;
use targets::fakes::SmtpSink;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;

use super::faults::SinkFaults;
use super::http;
use super::late::Late;
use super::mailbox::Mailbox;
use super::post::Post;

/// What a sink is started with.
#[derive(Clone, Debug)]
pub struct SinkOptions {
    /// Where the HTTP providers listen; port 0 takes a free one.
    pub http: SocketAddr,
    /// Where SMTP listens; port 0 takes a free one.
    pub smtp: SocketAddr,
    pub patterns: Patterns,
    pub keep: Duration,
    /// Threads, which share all connections. They are called `sink-0`, `sink-1` and so on where threads are listed.
    pub threads: usize,
}

impl SinkOptions {
    /// One thread on free loopback ports; letters are kept for two minutes.
    pub fn new(patterns: Patterns) -> Self {
        let free = SocketAddr::from(([127, 0, 0, 1], 0));
        Self {
            http: free,
            smtp: free,
            patterns,
            keep: Duration::from_secs(120),
            threads: 1,
        }
    }
}

/// The providers of one storm. They stop, and every connection with them, when this is dropped.
pub struct Sink {
    pub mailbox: Mailbox,
    /// What is ordered to go wrong.
    pub faults: SinkFaults,
    http: SocketAddr,
    smtp: SocketAddr,
    stop: Option<watch::Sender<()>>,
    threads: Vec<JoinHandle<()>>,
}

impl Sink {
    /// Starts them. The addresses are bound when this returns.
    pub fn start(options: SinkOptions) -> io::Result<Self> {
        let (http, smtp) = (bind(options.http)?, bind(options.smtp)?);
        let post = Post {
            mailbox: Mailbox::new(options.patterns, options.keep),
            faults: SinkFaults::default(),
            late: Late::default(),
        };
        let (stop, stopped) = watch::channel(());
        let mut sink = Self {
            mailbox: post.mailbox.clone(),
            faults: post.faults.clone(),
            http: http.local_addr()?,
            smtp: smtp.local_addr()?,
            stop: Some(stop),
            threads: Vec::new(),
        };
        for number in 0..options.threads.max(1) {
            let runtime = Builder::new_current_thread().enable_all().build()?;
            let (http, smtp) = {
                let _inside = runtime.enter();
                let smtp = TcpListener::from_std(smtp.try_clone()?)?;
                let http = TcpListener::from_std(http.try_clone()?)?;
                (http, SmtpSink::serve(smtp, Arc::new(post.clone()))?)
            };
            let (post, stopped) = (post.clone(), stopped.clone());
            let thread = std::thread::Builder::new().name(format!("sink-{number}"));
            let thread = thread.spawn(move || run(&runtime, http, smtp, post, stopped))?;
            sink.threads.push(thread);
        }
        Ok(sink)
    }

    /// The base URL of the HTTP providers.
    pub fn http_url(&self) -> String {
        format!("http://{}", self.http)
    }

    /// The base URL for FCM, as a push target is written.
    pub fn fcm_url(&self) -> String {
        self.http_url()
    }

    /// The base URL for SendGrid, as an email target is written.
    pub fn sendgrid_url(&self) -> String {
        self.http_url()
    }

    /// Where SMTP listens.
    pub fn smtp_address(&self) -> SocketAddr {
        self.smtp
    }

    /// `smtp://HOST:PORT`, as an email target is written.
    pub fn smtp_url(&self) -> String {
        format!("smtp://{}", self.smtp)
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.stop = None;
        for thread in self.threads.drain(..) {
            // Waited for, so that the addresses are free again; a thread that panicked has ended too.
            let _ = thread.join();
        }
    }
}

fn bind(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    let listener = std::net::TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

fn run(runtime: &Runtime, listener: TcpListener, smtp: SmtpSink, post: Post, mut stopped: watch::Receiver<()>) {
    runtime.block_on(async {
        tokio::select! {
            () = http::serve(listener, post.clone()) => {}
            () = post.late.carry(&post.mailbox) => {}
            // Told, or nobody is left who could tell.
            _ = stopped.changed() => {}
        }
    });
    drop(smtp);
}
