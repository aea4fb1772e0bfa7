//! How the redactor comes to know secrets: told by name, from devices and deliveries, and by the looks of an exchange.

use std::sync::LazyLock;

use percent_encoding::percent_decode_str;
use regex::Regex;
use serde_json::Value;
use specs::Channel;

use super::{Redactor, Secret, SecretKind};
use crate::delivery_log::Message;
use crate::device::{CredentialKind, Device};
use crate::target::Target;
use crate::transcript::Exchange;

/// A value that looks like a token is at least this long; shorter ones are words and flags.
const SHORTEST_TOKEN: usize = 8;

static EMAIL: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"[A-Za-z0-9._+\-]+@[A-Za-z0-9\-]+(?:\.[A-Za-z0-9\-]+)*\.[A-Za-z]{2,}").unwrap());

impl Redactor {
    /// Learns a secret. One that is known already keeps the name it has.
    pub fn learn(&mut self, kind: SecretKind, value: &str) {
        let form = |text: &str| {
            let lower = kind == SecretKind::Email;
            if lower { text.to_ascii_lowercase() } else { text.to_owned() }.into_bytes()
        };
        if value.is_empty() || self.forms.contains_key(&form(value)) {
            return;
        }
        // A cookie's value often is the percent-encoded form of what stands in a body: one secret, two forms.
        let decoded = percent_decode_str(value).decode_utf8().unwrap_or_default();
        let known = self.forms.get(&form(&decoded)).copied();
        let at = known.unwrap_or(self.secrets.len());
        if known.is_none() {
            let number = self.secrets.iter().filter(|secret| secret.kind == kind).count() + 1;
            let value = value.to_owned();
            self.secrets.push(Secret { kind, number, value });
        }
        self.forms.insert(form(value), at);
        if !decoded.is_empty() {
            self.forms.entry(form(&decoded)).or_insert(at);
        }
        self.pattern = Default::default();
    }

    /// Learns what the device holds: its credentials by their names, other variables and cookies when they look like tokens.
    pub fn learn_device(&mut self, target: &dyn Target, device: &Device) {
        for kind in CredentialKind::ALL {
            if let Some(value) = target.credential(device, kind) {
                self.learn(of_credential(kind), &value);
            }
        }
        if let Some(token) = &device.push_token {
            self.learn(SecretKind::Push, token);
        }
        let held = device.variables.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        for (name, value) in held.chain(device.jar.iter()) {
            // The device's own id is public: lists show it.
            if name != "device_id" {
                self.learn_token(value);
            }
        }
    }

    /// Learns who got a message, its code and its reset token.
    pub fn learn_message(&mut self, message: &Message) {
        match message.channel {
            Channel::Email => self.learn(SecretKind::Email, &message.to),
            Channel::Push => self.learn(SecretKind::Push, &message.to),
        }
        if let Some(code) = &message.code {
            self.learn(SecretKind::Code, code);
        }
        if let Some(token) = &message.reset_token {
            self.learn(SecretKind::Reset, token);
        }
    }

    /// Learns what an exchange shows: credentials in headers, fields whose name says what they are, email addresses.
    pub fn learn_exchange(&mut self, exchange: &Exchange) {
        self.learn_fields(&exchange.request_body, true);
        self.learn_fields(&exchange.response_body, false);
        if let Some((_, query)) = exchange.url.split_once('?') {
            self.learn_pairs(query, true);
        }
        for (name, value) in exchange.request_headers.iter().chain(&exchange.response_headers) {
            match name.to_ascii_lowercase().as_str() {
                "authorization" => self.learn_token(value.split_once(' ').map_or(value.as_str(), |(_, token)| token).trim()),
                "cookie" => value.split(';').for_each(|pair| self.learn_cookie(pair)),
                "set-cookie" => self.learn_cookie(value.split(';').next().unwrap_or_default()),
                other if other.contains("token") || other.contains("csrf") => self.learn_token(value),
                _ => {}
            }
        }
        for bytes in [&exchange.request_body, &exchange.response_body] {
            let text = String::from_utf8_lossy(bytes);
            EMAIL
                .find_iter(&text)
                .for_each(|email| self.learn(SecretKind::Email, email.as_str()));
        }
    }

    fn learn_cookie(&mut self, pair: &str) {
        if let Some((_, value)) = pair.split_once('=') {
            self.learn_token(value.trim().trim_matches('"'));
        }
    }

    fn learn_token(&mut self, value: &str) {
        if value.len() >= SHORTEST_TOKEN && !value.contains(char::is_whitespace) {
            self.learn(SecretKind::Token, value);
        }
    }

    fn learn_fields(&mut self, body: &[u8], request: bool) {
        match serde_json::from_slice::<Value>(body) {
            Ok(json) => self.learn_json(&json, "", request),
            Err(_) if request => {
                if let Ok(text) = std::str::from_utf8(body) {
                    self.learn_pairs(text, request);
                }
            }
            Err(_) => {}
        }
    }

    fn learn_json(&mut self, json: &Value, name: &str, request: bool) {
        match json {
            Value::String(value) => self.learn_field(name, value, request),
            Value::Array(items) => items.iter().for_each(|item| self.learn_json(item, name, request)),
            Value::Object(fields) => fields.iter().for_each(|(name, value)| self.learn_json(value, name, request)),
            _ => {}
        }
    }

    fn learn_pairs(&mut self, text: &str, request: bool) {
        for (name, value) in text.split('&').filter_map(|pair| pair.split_once('=')) {
            let value = value.replace('+', " ");
            if let Ok(value) = percent_decode_str(&value).decode_utf8() {
                self.learn_field(name, &value, request);
            }
        }
    }

    /// What a field's name says about its value. An answer's `code` usually names an error, so only requests give codes.
    fn learn_field(&mut self, name: &str, value: &str, request: bool) {
        let name = name.to_ascii_lowercase();
        let says = |words: &[&str]| words.iter().any(|word| name.contains(word));
        if name.ends_with("_at") || name.ends_with("expires") {
            // A moment is no secret, whatever it is the end of.
            return;
        }
        if request && says(&["push"]) {
            // Made up by the device, so a repetition can make up another.
            self.learn(SecretKind::Push, value);
        } else if request && says(&["password", "passwd"]) {
            self.learn(SecretKind::Password, value);
        } else if request && (name == "code" || says(&["otp", "_code"])) && value.len() >= 4 {
            self.learn(SecretKind::Code, value);
        } else if let Some(kind) = CredentialKind::ALL
            .into_iter()
            .find(|kind| says(&[kind.name()]) && value.len() >= 16)
        {
            self.learn(of_credential(kind), value);
        } else if says(&["token", "secret", "csrf", "session"]) {
            self.learn_token(value);
        }
    }
}

fn of_credential(kind: CredentialKind) -> SecretKind {
    match kind {
        CredentialKind::Handle => SecretKind::Handle,
        CredentialKind::Access => SecretKind::Access,
        CredentialKind::Refresh => SecretKind::Refresh,
        CredentialKind::Trust => SecretKind::Trust,
    }
}
