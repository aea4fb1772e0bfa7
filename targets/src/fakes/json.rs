//! Texts of a JSON call, borrowed wherever nothing in them is escaped.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

#[derive(Debug, serde::Deserialize)]
#[serde(transparent)]
pub(super) struct Text<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

impl Text<'_> {
    pub(super) fn or_empty<'t>(text: Option<&'t Text<'_>>) -> &'t str {
        text.map_or("", |text| &text.0)
    }
}

/// Data fields, in the order they were sent. A value that is no text is refused.
#[derive(Debug, Default)]
pub struct Fields<'a>(Vec<(Text<'a>, Text<'a>)>);

impl Fields<'_> {
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(field, _)| *field == name).map(|(_, value)| value)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&*name.0, &*value.0))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Fields<'de>;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("data fields whose values are texts")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }

        from.deserialize_map(InOrder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_data_are_texts() {
        assert!(serde_json::from_str::<Fields<'_>>(r#"{"code":1}"#).is_err());
        assert!(serde_json::from_str::<Fields<'_>>("[]").is_err());
        let fields: Fields<'_> = serde_json::from_str(r#"{"kind":"code","code":"99\u0039"}"#).unwrap();
        assert_eq!((fields.get("code"), fields.get("other")), (Some("999"), None));
    }
}
