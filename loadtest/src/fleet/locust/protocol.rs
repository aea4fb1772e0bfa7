//! The messages between a worker and Locust's master: one frame each, a MessagePack array `[type, data, node id]`. Whatever cannot be
//! understood is an error with a reason; no frame makes a worker panic.

use std::collections::BTreeMap;
use std::io::Cursor;

use rmpv::Value;

/// Deeper values than this are no message of Locust's.
const DEPTH: usize = 32;

/// How many of each class of users; Locust's measure of how much a worker does. A storm's own users are not meant.
pub type Users = BTreeMap<String, u64>;

/// What a worker says.
#[derive(Clone, Debug, PartialEq)]
pub enum ToMaster {
    /// Here, and free.
    ClientReady,
    /// An order was understood.
    Spawning,
    SpawningComplete(Users),
    Heartbeat {
        /// `ready`, `spawning` or `running`.
        state: State,
        cpu: f64,
        /// Bytes.
        memory: u64,
    },
    /// What was measured since the last time.
    Stats(Value),
    /// The storm was stopped, as ordered.
    ClientStopped,
    Quit,
    /// Something went wrong, in words.
    Exception(String),
    /// The storm is over, by itself; of the locustfile's own vocabulary.
    StormDone {
        run: String,
        shard: u32,
        /// What went wrong, if anything did.
        error: Option<String>,
    },
}

/// What a worker is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Ready,
    Spawning,
    Running,
}

/// What the master says.
#[derive(Clone, Debug, PartialEq)]
pub enum ToWorker {
    /// Welcome; the worker's number, from 0, where the master gives one.
    Ack(Option<u32>),
    Spawn(Box<Spawn>),
    /// End what is running, and be ready again.
    Stop,
    Quit,
    Heartbeat,
    Reconnect,
    /// What a worker has no use for.
    Other(String),
}

/// An order, as it came.
#[derive(Clone, Debug, PartialEq)]
pub struct Spawn {
    pub timestamp: f64,
    /// Users of each class on this worker.
    pub users: Users,
    pub host: Option<String>,
    /// Seconds a stop may take.
    pub stop_timeout: f64,
    /// The locustfile's options among others.
    options: Vec<(Value, Value)>,
}

/// A frame that is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(String);

impl Malformed {
    /// With its reason.
    pub fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }
}

impl State {
    fn word(self) -> &'static str {
        match self {
            State::Ready => "ready",
            State::Spawning => "spawning",
            State::Running => "running",
        }
    }
}

impl ToMaster {
    /// The frame.
    pub fn encode(&self, node_id: &str) -> Vec<u8> {
        let (kind, data) = match self {
            // −1 is the version that the master does not compare with its own.
            ToMaster::ClientReady => ("client_ready", Value::from(-1)),
            ToMaster::Spawning => ("spawning", Value::Nil),
            ToMaster::SpawningComplete(users) => ("spawning_complete", users_map(users)),
            ToMaster::Heartbeat { state, cpu, memory } => (
                "heartbeat",
                map([
                    ("state", state.word().into()),
                    ("current_cpu_usage", (*cpu).into()),
                    ("current_memory_usage", (*memory).into()),
                ]),
            ),
            ToMaster::Stats(stats) => ("stats", stats.clone()),
            ToMaster::ClientStopped => ("client_stopped", Value::Nil),
            ToMaster::Quit => ("quit", Value::Nil),
            ToMaster::Exception(message) => ("exception", map([("msg", message.as_str().into()), ("traceback", "".into())])),
            ToMaster::StormDone { run, shard, error } => (
                "storm_done",
                map([
                    ("run", run.as_str().into()),
                    ("slice", (*shard).into()),
                    ("error", error.as_deref().map_or(Value::Nil, Value::from)),
                ]),
            ),
        };
        let message = Value::Array(vec![kind.into(), data, node_id.into()]);
        let mut frame = Vec::new();
        // Writing to memory does not fail.
        let _ = rmpv::encode::write_value(&mut frame, &message);
        frame
    }
}

impl ToWorker {
    /// Reads a frame.
    pub fn decode(frame: &[u8]) -> Result<Self, Malformed> {
        let mut rest = Cursor::new(frame);
        let value = rmpv::decode::read_value_with_max_depth(&mut rest, DEPTH)
            .map_err(|error| Malformed(format!("no MessagePack: {error}")))?;
        if rest.position() != frame.len() as u64 {
            return Err(Malformed::new("more than one value in a frame"));
        }
        let Value::Array(mut parts) = value else {
            return Err(Malformed::new("not an array"));
        };
        if parts.len() != 3 {
            return Err(Malformed(format!("an array of {}, not of type, data and node", parts.len())));
        }
        let data = std::mem::replace(&mut parts[1], Value::Nil);
        let kind = parts[0].as_str().ok_or_else(|| Malformed::new("the type is no text"))?;
        Ok(match kind {
            "ack" => ToWorker::Ack(
                field(&data, "index")
                    .and_then(Value::as_u64)
                    .and_then(|index| u32::try_from(index).ok()),
            ),
            "spawn" => ToWorker::Spawn(Box::new(Spawn::of(data)?)),
            "stop" => ToWorker::Stop,
            "quit" => ToWorker::Quit,
            "heartbeat" => ToWorker::Heartbeat,
            "reconnect" => ToWorker::Reconnect,
            other => ToWorker::Other(other.to_owned()),
        })
    }
}

impl Spawn {
    fn of(data: Value) -> Result<Self, Malformed> {
        let timestamp = field(&data, "timestamp")
            .and_then(Value::as_f64)
            .ok_or_else(|| Malformed::new("an order without its time"))?;
        let Some(Value::Map(users)) = field(&data, "user_classes_count") else {
            return Err(Malformed::new("an order without its users"));
        };
        let users = users
            .iter()
            .map(|(class, count)| Some((class.as_str()?.to_owned(), count.as_u64()?)))
            .collect::<Option<Users>>()
            .ok_or_else(|| Malformed::new("users that are no counts"))?;
        let options = match field(&data, "parsed_options") {
            Some(Value::Map(options)) => options.clone(),
            _ => Vec::new(),
        };
        Ok(Self {
            timestamp,
            users,
            host: field(&data, "host")
                .and_then(Value::as_str)
                .filter(|host| !host.is_empty())
                .map(str::to_owned),
            stop_timeout: field(&data, "stop_timeout")
                .and_then(Value::as_f64)
                .filter(|s| s.is_finite() && *s > 0.0)
                .unwrap_or(0.0),
            options,
        })
    }

    fn option(&self, name: &str) -> Option<&Value> {
        let (_, value) = self.options.iter().find(|(key, _)| key.as_str() == Some(name))?;
        (!value.is_nil() && value.as_str() != Some("")).then_some(value)
    }

    /// An option that is a text; an empty one is none.
    pub fn text(&self, name: &str) -> Option<String> {
        self.option(name).and_then(Value::as_str).map(str::to_owned)
    }

    /// An option that is a whole number. Typed into the master's page it comes as a text.
    pub fn number(&self, name: &str) -> Result<Option<u64>, Malformed> {
        self.option(name)
            .map(|value| {
                value
                    .as_u64()
                    .or_else(|| value.as_str()?.trim().parse().ok())
                    .ok_or_else(|| Malformed(format!("{name} is no whole number: {value}")))
            })
            .transpose()
    }

    /// An option that is a finite number.
    pub fn real(&self, name: &str) -> Result<Option<f64>, Malformed> {
        self.option(name)
            .map(|value| {
                value
                    .as_f64()
                    .or_else(|| value.as_str()?.trim().parse().ok())
                    .filter(|number: &f64| number.is_finite())
                    .ok_or_else(|| Malformed(format!("{name} is no number: {value}")))
            })
            .transpose()
    }
}

/// A map with texts as keys.
pub(super) fn map<const N: usize>(fields: [(&str, Value); N]) -> Value {
    Value::Map(fields.into_iter().map(|(key, value)| (key.into(), value)).collect())
}

/// `user_classes_count` and `user_count`.
pub(super) fn users_fields(users: &Users) -> [(&'static str, Value); 2] {
    let classes = users
        .iter()
        .map(|(class, count)| (class.as_str().into(), (*count).into()))
        .collect();
    [
        ("user_classes_count", Value::Map(classes)),
        ("user_count", users.values().sum::<u64>().into()),
    ]
}

fn users_map(users: &Users) -> Value {
    map(users_fields(users))
}

fn field<'a>(data: &'a Value, name: &str) -> Option<&'a Value> {
    data.as_map()?
        .iter()
        .find(|(key, _)| key.as_str() == Some(name))
        .map(|(_, value)| value)
}
