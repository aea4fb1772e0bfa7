//! One recorded request as a curl command.

use data_encoding::BASE64;

use super::ChainError;
use super::known::{Known, Place};
use super::shell::{self, Text};
use crate::redact::{RedactedExchange, RedactedRequest};

/// A command and the variables that it needs.
pub(super) struct Command {
    pub(super) text: String,
    pub(super) variables: Vec<String>,
}

impl Command {
    /// The command of a step whose server is the one in this variable.
    pub(super) fn new(exchange: &RedactedExchange, step: usize, base: &str, known: &Known) -> Result<Self, ChainError> {
        let request = &exchange.request;
        let shapes = &request.shapes;
        let mut text = Text::default();
        text.plain(&heading(exchange, step));
        let body = body(request).map_err(|why| ChainError::new(step, "body", &request.body, why))?;
        // An argument ends at a NUL, and not every program takes what is no text.
        let argument = std::str::from_utf8(&body).ok().filter(|body| !body.contains('\0'));
        if argument.is_none() {
            text.plain("{ ");
            known.writers(&mut text, &body, shapes);
            text.plain("} | ");
        }
        text.plain(&format!("curl -sS -g -i --path-as-is -m 60 -o \"$OUT/{step}\""));
        if let Some(source) = exchange.source {
            text.plain(&format!(" --interface {source}"));
        }
        if !is_token(&request.method) {
            return Err(ChainError::new(step, "method", &request.method, "it is no word of HTTP"));
        }
        if request.method == "HEAD" {
            text.plain(" -I ");
        } else {
            text.plain(" -X ");
            text.literal(&request.method);
            text.plain(" ");
        }
        let (_, path) = split(&request.url, step)?;
        text.variable(base, false);
        if !path.is_empty() {
            known.word(&mut text, path, Place::Encoded, shapes);
        }
        for (name, value) in &request.headers {
            header(&mut text, name, value, step, known, request)?;
        }
        let typed = request
            .headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        if !body.is_empty() && !typed {
            text.plain(" \\\n  -H 'Content-Type:'");
        }
        match argument {
            Some("") => {}
            Some(argument) => {
                text.plain(" \\\n  --data-raw ");
                known.word(&mut text, argument, place_of_body(request), shapes);
            }
            None => text.plain(" \\\n  --data-binary @-"),
        }
        let (text, variables) = text.finish();
        Ok(Self { text, variables })
    }
}

/// What is done here, in a comment.
fn heading(exchange: &RedactedExchange, step: usize) -> String {
    let operation = shell::comment(exchange.operation.as_deref().unwrap_or("raw request"));
    let device = shell::comment(&exchange.device);
    let answer = match &exchange.response {
        None => "not answered".to_owned(),
        Some(response) => format!("answered {}", response.status),
    };
    let cut = match exchange.request.cut {
        0 => String::new(),
        cut => format!("; its body had {cut} bytes more"),
    };
    format!("\n# {step}. {operation}, {device}: {answer}{cut}\n")
}

/// The body's bytes, as far as they were recorded.
fn body(request: &RedactedRequest) -> Result<Vec<u8>, &'static str> {
    let encoded = request.body_base64.as_ref();
    encoded.map_or_else(
        || Ok(request.body.clone().into_bytes()),
        |encoded| BASE64.decode(encoded.as_bytes()).map_err(|_| "its bytes are no base64"),
    )
}

fn header(
    text: &mut Text,
    name: &str,
    value: &str,
    step: usize,
    known: &Known,
    request: &RedactedRequest,
) -> Result<(), ChainError> {
    // A line that began with `@` would make curl read a file.
    if !is_token(name) {
        return Err(ChainError::new(step, "header name", name, "it is no word of HTTP"));
    }
    if value.contains(['\r', '\n', '\0']) {
        return Err(ChainError::new(step, "header value", value, "HTTP carries no such character"));
    }
    if ["content-length", "host", "connection"]
        .iter()
        .any(|own| name.eq_ignore_ascii_case(own))
    {
        return Ok(());
    }
    text.plain(" \\\n  -H ");
    // curl takes `Name;` for an empty value; `Name:` would leave the header out.
    let line = if value.trim().is_empty() {
        format!("{name};")
    } else {
        format!("{name}: {value}")
    };
    known.word(text, &line, Place::Plain, &request.shapes);
    Ok(())
}

fn place_of_body(request: &RedactedRequest) -> Place {
    let typed = |kind: &str| {
        let mut headers = request.headers.iter();
        headers.any(|(name, value)| name.eq_ignore_ascii_case("content-type") && value.to_ascii_lowercase().contains(kind))
    };
    if typed("x-www-form-urlencoded") {
        Place::Encoded
    } else if typed("json") {
        Place::Json
    } else {
        Place::Plain
    }
}

/// A word of HTTP: nothing that a program could take for anything else.
fn is_token(text: &str) -> bool {
    let part = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    !text.is_empty() && text.bytes().all(part)
}

/// A URL's origin, and the rest, which begins with `/`, `?` or `#` or is empty: behind another origin it names no other server.
pub(super) fn split(url: &str, step: usize) -> Result<(&str, &str), ChainError> {
    let refused = |why| ChainError::new(step, "address", url, why);
    if url.contains('\0') {
        return Err(refused("no address has such a character"));
    }
    let schemes = ["http://", "https://"];
    let scheme = schemes.iter().find(|scheme| {
        url.get(..scheme.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    });
    let scheme = scheme.ok_or_else(|| refused("it begins with neither `http://` nor `https://`"))?;
    let end = url[scheme.len()..].find(['/', '?', '#']);
    Ok(url.split_at(end.map_or(url.len(), |end| scheme.len() + end)))
}
