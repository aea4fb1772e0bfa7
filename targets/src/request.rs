//! A request before it is sent: an operation's template filled in, then the deliberate departures, then the bytes.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};

use crate::device::Device;
use crate::operation::OperationKind;

/// What stays as it is in a query or a form (RFC 3986 §2.3).
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A request body.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Body {
    /// None at all.
    #[default]
    Empty,
    /// `application/json`.
    Json(Value),
    /// `application/x-www-form-urlencoded`.
    Form(Vec<(String, String)>),
    /// These bytes, with this content type when there is one.
    Bytes(Option<String>, Vec<u8>),
}

/// A request as its operation's template gives it.
#[derive(Clone, Debug, Default)]
pub struct RequestBuilder {
    pub operation: Option<OperationKind>,
    pub method: String,
    pub url: String,
    /// Header lines; a line given here goes before the one that would be made up (`Cookie`, `Content-Type`, `User-Agent`).
    pub headers: Vec<(String, String)>,
    pub body: Body,
}

/// A request with every line and byte decided.
#[derive(Clone, Debug)]
pub struct Request {
    pub operation: Option<OperationKind>,
    pub method: String,
    pub url: String,
    /// Header lines in order.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// One change to the prepared request.
#[derive(Clone, Debug, PartialEq)]
pub enum RequestMutation {
    /// Add a header line, keeping those of the same name.
    AddHeader(String, String),
    SetHeader(String, String),
    DropHeader(String),
    /// Set a top-level body field (JSON value; a form takes its text).
    SetField(String, Value),
    DropField(String),
    AddQuery(String, String),
    AddCookie(String, String),
    /// Claim a second app version in the same request, in the place where the target reads it.
    RepeatVersion(String),
    /// Send these bytes as the body, with this content type.
    Body(String, Vec<u8>),
}

/// A request of the check's own making, for paths the contract does not name.
#[derive(Clone, Debug, Default)]
pub struct RawRequest {
    pub method: String,
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl RequestBuilder {
    /// A request without headers and body.
    pub fn new(operation: OperationKind, method: &str, url: impl Into<String>) -> Self {
        Self {
            operation: Some(operation),
            method: method.to_owned(),
            url: url.into(),
            ..Self::default()
        }
    }

    /// Adds a header line.
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Gives it a JSON body.
    pub fn json(mut self, body: Value) -> Self {
        self.body = Body::Json(body);
        self
    }

    /// Adds the device's cookies and user agent, applies the departures, and decides every byte.
    pub fn build(mut self, device: &Device, mutations: &[RequestMutation]) -> Request {
        for mutation in mutations {
            match mutation {
                RequestMutation::SetField(name, value) => self.body.set(name, value),
                RequestMutation::DropField(name) => self.body.unset(name),
                RequestMutation::AddQuery(name, value) => add_query(&mut self.url, name, value),
                RequestMutation::Body(content_type, bytes) => self.body = Body::Bytes(Some(content_type.clone()), bytes.clone()),
                _ => {}
            }
        }
        let (content_type, body) = self.body.bytes();
        let mut headers = self.headers;
        if !has(&headers, "user-agent") {
            headers.push(("User-Agent".to_owned(), device.user_agent.clone()));
        }
        if let (false, Some(cookies)) = (has(&headers, "cookie"), device.jar.header(path_of(&self.url))) {
            headers.push(("Cookie".to_owned(), cookies));
        }
        // A body of the check's own making brings its own content type, whatever the template said.
        let replaced = mutations.iter().any(|mutation| matches!(mutation, RequestMutation::Body(..)));
        if let Some(content_type) = content_type.filter(|_| replaced || !has(&headers, "content-type")) {
            headers.retain(|(name, _)| !name.eq_ignore_ascii_case("content-type"));
            headers.push(("Content-Type".to_owned(), content_type));
        }
        mutations.iter().for_each(|mutation| depart(&mut headers, mutation));
        Request {
            operation: self.operation,
            method: self.method,
            url: self.url,
            headers,
            body,
        }
    }
}

impl Body {
    /// Sets a top-level field; a body without fields becomes a JSON object.
    pub fn set(&mut self, name: &str, value: &Value) {
        match self {
            Body::Json(Value::Object(fields)) => drop(fields.insert(name.to_owned(), value.clone())),
            Body::Form(fields) => {
                fields.retain(|(n, _)| n != name);
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                fields.push((name.to_owned(), text));
            }
            Body::Empty | Body::Json(_) | Body::Bytes(..) => {
                *self = Body::Json(Value::Object(Map::from_iter([(name.to_owned(), value.clone())])));
            }
        }
    }

    /// Drops a top-level field.
    pub fn unset(&mut self, name: &str) {
        match self {
            Body::Json(Value::Object(fields)) => drop(fields.remove(name)),
            Body::Form(fields) => fields.retain(|(n, _)| n != name),
            _ => {}
        }
    }

    /// Its content type and bytes.
    fn bytes(self) -> (Option<String>, Vec<u8>) {
        match self {
            Body::Empty => (None, Vec::new()),
            Body::Json(value) => (Some("application/json".to_owned()), value.to_string().into_bytes()),
            Body::Form(fields) => {
                let pairs: Vec<String> = fields.iter().map(|(n, v)| pair(n, v)).collect();
                (
                    Some("application/x-www-form-urlencoded".to_owned()),
                    pairs.join("&").into_bytes(),
                )
            }
            Body::Bytes(content_type, bytes) => (content_type, bytes),
        }
    }
}

fn depart(headers: &mut Vec<(String, String)>, mutation: &RequestMutation) {
    match mutation {
        RequestMutation::AddHeader(name, value) => headers.push((name.clone(), value.clone())),
        RequestMutation::SetHeader(name, value) => {
            headers.retain(|(n, _)| !n.eq_ignore_ascii_case(name));
            headers.push((name.clone(), value.clone()));
        }
        RequestMutation::DropHeader(name) => headers.retain(|(n, _)| !n.eq_ignore_ascii_case(name)),
        RequestMutation::AddCookie(name, value) => match headers.iter_mut().find(|(n, _)| n.eq_ignore_ascii_case("cookie")) {
            Some((_, line)) => line.push_str(&format!("; {name}={value}")),
            None => headers.push(("Cookie".to_owned(), format!("{name}={value}"))),
        },
        // A second version goes where the target reads the first, which the target knows (`Target::perform_with`).
        RequestMutation::SetField(..)
        | RequestMutation::DropField(_)
        | RequestMutation::AddQuery(..)
        | RequestMutation::Body(..)
        | RequestMutation::RepeatVersion(_) => {}
    }
}

fn add_query(url: &mut String, name: &str, value: &str) {
    url.push(if url.contains('?') { '&' } else { '?' });
    url.push_str(&pair(name, value));
}

fn pair(name: &str, value: &str) -> String {
    format!(
        "{}={}",
        utf8_percent_encode(name, ENCODED),
        utf8_percent_encode(value, ENCODED)
    )
}

fn has(headers: &[(String, String)], name: &str) -> bool {
    headers.iter().any(|(n, _)| n.eq_ignore_ascii_case(name))
}

/// The path and query of an absolute URL.
pub(crate) fn path_of(url: &str) -> &str {
    let after_scheme = url.find("://").map_or(0, |at| at + 3);
    url[after_scheme..].find('/').map_or("/", |at| &url[after_scheme + at..])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn device() -> Device {
        let mut device = Device::new("phone", "i-1");
        device.jar.set("session", "s");
        device
    }

    fn lines(prepared: &Request, name: &str) -> Vec<String> {
        let same = prepared.headers.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name));
        same.map(|(_, value)| value.clone()).collect()
    }

    fn builder() -> RequestBuilder {
        RequestBuilder::new(OperationKind::SignIn, "POST", "http://h/v1/sign-ins").json(json!({"email": "a@b", "password": "p"}))
    }

    #[test]
    fn an_honest_request_carries_cookies_agent_and_type() {
        let prepared = builder().build(&device(), &[]);
        assert_eq!(lines(&prepared, "cookie"), ["session=s"]);
        assert_eq!(lines(&prepared, "user-agent"), ["stepproof"]);
        assert_eq!(lines(&prepared, "content-type"), ["application/json"]);
        assert_eq!(prepared.body, br#"{"email":"a@b","password":"p"}"#);
    }

    #[test]
    fn departures_change_lines_fields_and_query() {
        let mutations = [
            RequestMutation::AddHeader("App-Version".to_owned(), "1.0.0".to_owned()),
            RequestMutation::AddHeader("App-Version".to_owned(), "9.0.0".to_owned()),
            RequestMutation::SetHeader("user-agent".to_owned(), "thief".to_owned()),
            RequestMutation::AddCookie("other".to_owned(), "o".to_owned()),
            RequestMutation::SetField("email".to_owned(), json!(7)),
            RequestMutation::DropField("password".to_owned()),
            RequestMutation::AddQuery("a b".to_owned(), "c&d".to_owned()),
        ];
        let prepared = builder().build(&device(), &mutations);
        assert_eq!(lines(&prepared, "app-version"), ["1.0.0", "9.0.0"]);
        assert_eq!(lines(&prepared, "user-agent"), ["thief"]);
        assert_eq!(lines(&prepared, "cookie"), ["session=s; other=o"]);
        assert_eq!(prepared.body, br#"{"email":7}"#);
        assert_eq!(prepared.url, "http://h/v1/sign-ins?a%20b=c%26d");
    }

    #[test]
    fn a_form_takes_texts_and_a_given_body_its_own_type() {
        let mut form = builder();
        form.body = Body::Form(vec![("code".to_owned(), "1&2".to_owned())]);
        let prepared = form.build(&device(), &[RequestMutation::SetField("trust".to_owned(), json!(true))]);
        assert_eq!(prepared.body, b"code=1%262&trust=true");
        let own = RequestMutation::Body("text/plain".to_owned(), b"x".to_vec());
        let prepared = builder().header("Content-Type", "application/json").build(&device(), &[own]);
        assert_eq!(
            (lines(&prepared, "content-type"), prepared.body),
            (vec!["text/plain".to_owned()], b"x".to_vec())
        );
    }

    #[test]
    fn dropping_the_cookie_line_drops_the_jar() {
        let prepared = builder().build(&device(), &[RequestMutation::DropHeader("Cookie".to_owned())]);
        assert!(lines(&prepared, "cookie").is_empty());
    }
}
