//! The locator over a MaxMind database (`.mmdb`): city and country, no finer (ACT-05), read into memory once.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use maxminddb::{MaxMindDbError, Reader};
use serde::Deserialize;

use crate::parts::Locator;

/// Why a database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LocatorError {
    /// The file cannot be read.
    #[error("`{0}` cannot be read: {1}")]
    Unreadable(PathBuf, std::io::Error),
    /// The file is no such database, or a damaged one.
    #[error("`{0}` is not a MaxMind database, or is damaged: {1}")]
    Damaged(PathBuf, MaxMindDbError),
}

/// A database of places.
pub struct Mmdb {
    reader: Reader<Vec<u8>>,
}

/// What is read of a record: GeoIP2's nested names, or the flat fields of the freely licensed databases.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Record<'a> {
    #[serde(borrow)]
    city: Option<Named<'a>>,
    #[serde(borrow)]
    country: Option<Named<'a>>,
    country_code: Option<&'a str>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Named<'a> {
    Plain(&'a str),
    Nested {
        #[serde(borrow, default)]
        names: Names<'a>,
    },
}

#[derive(Debug, Default, Deserialize)]
struct Names<'a> {
    en: Option<&'a str>,
}

impl<'a> Named<'a> {
    fn name(self) -> Option<&'a str> {
        match self {
            Named::Plain(name) => Some(name),
            Named::Nested { names } => names.en,
        }
        .filter(|name| !name.is_empty())
    }
}

impl Mmdb {
    /// Opens the file and examines all of it, so that damage shows at the start and not at somebody's sign-in.
    pub fn open(path: &Path) -> Result<Self, LocatorError> {
        let bytes = std::fs::read(path).map_err(|error| LocatorError::Unreadable(path.to_owned(), error))?;
        let damaged = |error| LocatorError::Damaged(path.to_owned(), error);
        let reader = Reader::from_source(bytes).map_err(damaged)?;
        reader.verify().map_err(damaged)?;
        Ok(Self { reader })
    }
}

impl Locator for Mmdb {
    /// Unknown, private and unmappable addresses have no place, and never an error (ACT-03).
    fn place(&self, address: IpAddr) -> Option<String> {
        let record: Record<'_> = self.reader.lookup(address.to_canonical()).ok()?.decode().ok()??;
        let country = record.country.and_then(Named::name).or(record.country_code);
        match (record.city.and_then(Named::name), country) {
            (Some(city), Some(country)) => Some(format!("{city}, {country}")),
            (one, other) => one.or(other).map(str::to_owned),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mmdb_writer::{Writer, ipnet};
    use serde_json::json;

    fn database(dir: &Path) -> PathBuf {
        let mut writer = Writer::builder("Test-City").description(&[("en", "for a test")]).build();
        for (network, record) in [
            (
                "192.0.2.0/24",
                json!({"city": {"names": {"en": "Graz"}}, "country": {"names": {"en": "Austria", "de": "\u{d6}sterreich"}}}),
            ),
            ("198.51.100.0/24", json!({"country": {"names": {"en": "Austria"}}})),
            ("203.0.113.0/24", json!({"country_code": "AT"})),
            ("2001:db8::/32", json!({"city": "Linz", "country": "Austria"})),
            ("100.64.0.0/10", json!({"country": 7})),
        ] {
            writer.insert(network.parse::<ipnet::IpNet>().unwrap(), &record).unwrap();
        }
        let path = dir.join("city.mmdb");
        std::fs::write(&path, writer.to_bytes().unwrap()).unwrap();
        path
    }

    #[test]
    fn places_from_addresses() {
        let dir = tempfile::tempdir().unwrap();
        let places = Mmdb::open(&database(dir.path())).unwrap();
        for (address, place) in [
            ("192.0.2.7", Some("Graz, Austria")),
            ("::ffff:192.0.2.7", Some("Graz, Austria")),
            ("198.51.100.1", Some("Austria")),
            ("203.0.113.1", Some("AT")),
            ("2001:db8::1", Some("Linz, Austria")),
            ("127.0.0.1", None),
            ("::1", None),
            ("10.0.0.1", None),
            ("100.64.0.1", None),
        ] {
            assert_eq!(places.place(address.parse().unwrap()).as_deref(), place, "{address}");
        }
    }

    #[test]
    fn a_damaged_file_is_told_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let path = database(dir.path());
        let whole = std::fs::read(&path).unwrap();
        // Its end, by which it is recognised, is whole; what it leads to is not.
        let mut astray = whole.clone();
        astray[..64].fill(0xfe);
        for damaged in [&b""[..], b"not a database", &whole[..whole.len() / 2], &whole[200..], &astray] {
            std::fs::write(&path, damaged).unwrap();
            let error = Mmdb::open(&path).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(
                error.contains("city.mmdb") && error.contains("not a MaxMind database"),
                "{error}"
            );
        }
        let missing = Mmdb::open(&dir.path().join("none.mmdb")).err();
        assert!(matches!(missing, Some(LocatorError::Unreadable(..))), "{missing:?}");
    }
}
