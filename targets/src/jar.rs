//! The cookies of one device (RFC 6265): name, value, path, deletion.
//!
//! Less than a browser's jar, on purpose. Domain is not kept: a jar belongs to one device at one target. `Secure` is not
//! obeyed, because targets under test often speak plain HTTP on loopback. A lifetime only counts where it means deletion:
//! whether a cookie is still good after its time is for the server to say, so the jar goes on presenting it.

use std::time::SystemTime;

use regex::Regex;

use crate::cookie_date;

/// More cookies than this and the oldest goes (RFC 6265 §6.1 asks for at least 50).
const MOST_COOKIES: usize = 180;
/// A longer name and value is not kept (RFC 6265 §6.1 asks for at least 4096 bytes).
const LONGEST_COOKIE: usize = 8192;

/// One cookie.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Cookie {
    name: String,
    value: String,
    path: String,
}

/// A cookie jar. Cloning it freezes it: the copy lives its own life.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CookieJar {
    cookies: Vec<Cookie>,
}

impl CookieJar {
    /// Takes one `Set-Cookie` line of an answer to a request for this path. Lines that make no sense are ignored.
    pub fn store(&mut self, request_path: &str, line: &str) {
        let mut parts = line.split(';');
        let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else {
            return;
        };
        let (name, value) = (name.trim(), value.trim());
        let sendable = |text: &str| !text.chars().any(|c| c.is_control());
        if name.is_empty() || name.len() + value.len() > LONGEST_COOKIE || !sendable(name) || !sendable(value) {
            return;
        }
        let mut path = default_path(request_path);
        let (mut max_age, mut expires) = (None, None);
        for attribute in parts {
            let (key, value) = attribute.split_once('=').unwrap_or((attribute, ""));
            match key.trim().to_ascii_lowercase().as_str() {
                "path" if value.trim().starts_with('/') => path = value.trim().to_owned(),
                "max-age" => max_age = value.trim().parse::<i64>().ok().or(max_age),
                "expires" => expires = cookie_date::parse(value).or(expires),
                _ => {}
            }
        }
        // Max-Age has precedence over Expires (RFC 6265 §4.1.2.2).
        let gone = max_age.map_or_else(|| expires.is_some_and(|at| at <= SystemTime::now()), |seconds| seconds <= 0);
        self.put(name, value, path, gone);
    }

    fn put(&mut self, name: &str, value: &str, path: String, gone: bool) {
        let place = self.cookies.iter().position(|c| c.name == name && c.path == path);
        match (place, gone) {
            (Some(at), true) => drop(self.cookies.remove(at)),
            (None, true) => {}
            // An overwritten cookie keeps its place in the order of creation (RFC 6265 §5.3).
            (Some(at), false) => self.cookies[at].value = value.to_owned(),
            (None, false) => {
                if self.cookies.len() >= MOST_COOKIES {
                    self.cookies.remove(0);
                }
                self.cookies.push(Cookie {
                    name: name.to_owned(),
                    value: value.to_owned(),
                    path,
                });
            }
        }
    }

    /// The `Cookie` header of a request for this path: longer paths first, then older cookies first.
    pub fn header(&self, request_path: &str) -> Option<String> {
        let request_path = request_path.split(['?', '#']).next().unwrap_or("/");
        let mut sent: Vec<&Cookie> = self.cookies.iter().filter(|c| path_matches(&c.path, request_path)).collect();
        sent.sort_by_key(|c| std::cmp::Reverse(c.path.len()));
        let pairs: Vec<String> = sent.iter().map(|c| format!("{}={}", c.name, c.value)).collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }

    /// The value of the cookie of this name, the latest when several paths have one.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.cookies.iter().rev().find(|c| c.name == name).map(|c| c.value.as_str())
    }

    /// Puts this cookie in, in place of every one of its name; a new one is for every path.
    pub fn set(&mut self, name: &str, value: &str) {
        let path = self
            .cookies
            .iter()
            .rev()
            .find(|c| c.name == name)
            .map_or_else(|| "/".to_owned(), |c| c.path.clone());
        self.remove(name);
        self.put(name, value, path, false);
    }

    /// Takes every cookie of this name away.
    pub fn remove(&mut self, name: &str) {
        self.cookies.retain(|c| c.name != name);
    }

    /// The names that match, in order of creation.
    pub fn names(&self, pattern: &Regex) -> Vec<String> {
        self.iter()
            .filter(|(name, _)| pattern.is_match(name))
            .map(|(name, _)| name.to_owned())
            .collect()
    }

    /// Keeps only cookies whose name matches: what a device keeps after signing out.
    pub fn retain(&mut self, pattern: &Regex) {
        self.cookies.retain(|c| pattern.is_match(&c.name));
    }

    /// Every name and value, in order of creation.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.cookies.iter().map(|c| (c.name.as_str(), c.value.as_str()))
    }

    /// Empties the jar.
    pub fn clear(&mut self) {
        self.cookies.clear();
    }
}

/// RFC 6265 §5.1.4: the path up to, not including, its last slash.
fn default_path(request_path: &str) -> String {
    let path = request_path.split(['?', '#']).next().unwrap_or("/");
    match path.rfind('/') {
        Some(at) if at > 0 && path.starts_with('/') => path[..at].to_owned(),
        _ => "/".to_owned(),
    }
}

fn path_matches(cookie: &str, request: &str) -> bool {
    request
        .strip_prefix(cookie)
        .is_some_and(|rest| rest.is_empty() || cookie.ends_with('/') || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jar(lines: &[&str]) -> CookieJar {
        let mut jar = CookieJar::default();
        for line in lines {
            jar.store("/auth/login", line);
        }
        jar
    }

    #[test]
    fn path_decides_where_a_cookie_goes() {
        let jar = jar(&["a=1; Path=/", "b=2; Path=/auth", "c=3", "d=4; Path=/other/"]);
        assert_eq!(jar.header("/auth/code?x=1").as_deref(), Some("b=2; c=3; a=1"));
        assert_eq!(jar.header("/authority").as_deref(), Some("a=1"));
        assert_eq!(jar.header("/other/x").as_deref(), Some("d=4; a=1"));
        assert_eq!(CookieJar::default().header("/"), None);
    }

    #[test]
    fn a_cookie_is_replaced_and_deleted() {
        let mut jar = jar(&["a=1; Path=/", "b=2; Path=/", "a=one=1; Path=/; HttpOnly"]);
        assert_eq!(jar.header("/").as_deref(), Some("a=one=1; b=2"));
        jar.store("/", "a=; Max-Age=0; Path=/");
        jar.store("/", "b=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(jar.header("/"), None);
    }

    #[test]
    fn max_age_goes_before_expires_and_other_paths_stay() {
        let mut jar = jar(&["a=1; Path=/", "b=2; Path=/"]);
        jar.store("/", "a=3; Path=/; Max-Age=60; Expires=Thu, 01-Jan-1970 00:00:00 GMT");
        jar.store("/x/y", "b=; Max-Age=0");
        assert_eq!(jar.header("/").as_deref(), Some("a=3; b=2"));
    }

    #[test]
    fn nonsense_is_ignored() {
        let jar = jar(&[
            "",
            "no equals",
            "=nameless",
            "a=\u{7}",
            "; Path=/",
            &format!("big={}", "x".repeat(9000)),
        ]);
        assert_eq!(jar, CookieJar::default());
    }

    #[test]
    fn names_by_pattern_and_what_stays_after_signing_out() {
        let pattern = Regex::new("trust|device").unwrap();
        let mut jar = jar(&["app.trust_device=t", "app.session=s", "device=d"]);
        assert_eq!(jar.names(&pattern), ["app.trust_device", "device"]);
        jar.retain(&pattern);
        assert_eq!(jar.get("app.session"), None);
        jar.set("device", "stolen");
        assert_eq!(jar.header("/auth/x").as_deref(), Some("app.trust_device=t; device=stolen"));
    }

    #[test]
    fn the_number_of_cookies_is_bounded() {
        let mut jar = CookieJar::default();
        for n in 0..400 {
            jar.store("/", &format!("c{n}=1"));
        }
        assert_eq!(jar.iter().count(), MOST_COOKIES);
        assert_eq!(jar.get("c399"), Some("1"));
    }
}
