//! Which path of the contract a request names.

use serde_json::Value;

use super::{Operation, Pointer};

/// The keys of a path item that are methods.
const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/// A path of the contract.
pub(super) struct Route<'a> {
    /// The path with its placeholders.
    pub(super) template: &'a str,
    item: &'a Value,
}

impl<'a> Route<'a> {
    /// Every path.
    pub(super) fn all(document: &'a Value) -> impl Iterator<Item = Self> {
        let paths = document.get("paths").and_then(Value::as_object);
        paths.into_iter().flatten().map(|(template, item)| Self { template, item })
    }

    /// The path that a concrete path (or a template) names; where several fit, the one with the most fixed segments.
    pub(super) fn find(document: &'a Value, path: &str) -> Option<Self> {
        let path = path.split(['?', '#']).next().unwrap_or(path);
        Self::all(document)
            .filter_map(|route| Some((fixed_segments(route.template, path)?, route)))
            .max_by_key(|(fixed, _)| *fixed)
            .map(|(_, route)| route)
    }

    /// Where the contract describes this method.
    pub(super) fn operation(&self, method: &str) -> Option<Pointer> {
        let key = METHODS.into_iter().find(|key| key.eq_ignore_ascii_case(method))?;
        self.item.get(key)?;
        Some(Pointer::new(&["paths", self.template, key]))
    }

    /// The methods it has, in capitals.
    pub(super) fn methods(&self) -> impl Iterator<Item = String> {
        METHODS
            .into_iter()
            .filter(|key| self.item.get(key).is_some())
            .map(str::to_ascii_uppercase)
    }

    /// The calls on it.
    pub(super) fn operations(&self) -> Vec<Operation> {
        self.methods()
            .map(|method| {
                let id = self.item.pointer(&format!("/{}/operationId", method.to_ascii_lowercase()));
                Operation {
                    path: self.template.to_owned(),
                    method,
                    id: id.and_then(Value::as_str).unwrap_or_default().to_owned(),
                }
            })
            .collect()
    }
}

/// How many segments are the same in both, if the template fits the path.
fn fixed_segments(template: &str, path: &str) -> Option<usize> {
    let (template, path): (Vec<&str>, Vec<&str>) = (template.split('/').collect(), path.split('/').collect());
    if template.len() != path.len() {
        return None;
    }
    let mut fixed = 0;
    for (wanted, given) in template.into_iter().zip(path) {
        let open = wanted.starts_with('{') && wanted.ends_with('}');
        match (open, wanted == given) {
            (_, true) => fixed += 1,
            (true, false) if !given.is_empty() => {}
            _ => return None,
        }
    }
    Some(fixed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn found(path: &str) -> Option<String> {
        let document = json!({"paths": {"/a": {}, "/a/{id}": {}, "/a/now": {}, "/a/{id}/b": {}}});
        Route::find(&document, path).map(|route| route.template.to_owned())
    }

    #[test]
    fn the_path_with_the_most_fixed_segments_is_meant() {
        assert_eq!(found("/a").as_deref(), Some("/a"));
        assert_eq!(found("/a/7?x=1").as_deref(), Some("/a/{id}"));
        assert_eq!(found("/a/now").as_deref(), Some("/a/now"));
        assert_eq!(found("/a/now/b").as_deref(), Some("/a/{id}/b"));
        assert_eq!(found("/a/{id}").as_deref(), Some("/a/{id}"));
    }

    #[test]
    fn what_fits_no_path_is_not_found() {
        for path in ["", "/", "/b", "/a/", "/a/7/b/", "/a//b", "/A"] {
            assert_eq!(found(path), None, "{path}");
        }
    }
}
