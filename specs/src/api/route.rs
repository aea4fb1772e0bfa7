//! From a path to the operations that it has.

use super::Operation;

/// A path of the API, found from what a request named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route<'p> {
    /// The path as the table has it: a label that holds nobody's identifier.
    pub template: &'static str,
    /// What stands where the template has `{id}`, still percent-encoded.
    pub id: Option<&'p str>,
}

impl<'p> Route<'p> {
    /// The route of a path without its query. No two templates fit the same path.
    pub fn find(path: &'p str) -> Option<Self> {
        Operation::ALL.iter().find_map(|operation| {
            let template = operation.call().path;
            let (mut wanted, mut given) = (template.split('/'), path.split('/'));
            let mut id = None;
            loop {
                match (wanted.next(), given.next()) {
                    (None, None) => return Some(Self { template, id }),
                    (Some("{id}"), Some(part)) if !part.is_empty() => id = Some(part),
                    (Some(fixed), Some(part)) if fixed == part => {}
                    _ => return None,
                }
            }
        })
    }

    /// The operation of this HTTP method here.
    pub fn operation(&self, method: &str) -> Option<Operation> {
        self.operations().find(|operation| operation.call().method == method)
    }

    /// The value of `Allow`: every method that the path has.
    pub fn allow(&self) -> String {
        self.operations()
            .map(|operation| operation.call().method)
            .collect::<Vec<_>>()
            .join(", ")
    }

    fn operations(&self) -> impl Iterator<Item = Operation> {
        let template = self.template;
        Operation::ALL
            .iter()
            .copied()
            .filter(move |operation| operation.call().path == template)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_is_found_by_its_own_path_and_by_no_other() {
        for operation in Operation::ALL {
            let call = operation.call();
            let path = call.path.replace("{id}", "dev_1");
            let route = Route::find(&path).expect("is listed");
            assert_eq!((route.template, route.operation(call.method)), (call.path, Some(*operation)));
            assert_eq!(route.id, call.path.contains("{id}").then_some("dev_1"));
            let fitting = Operation::ALL.iter().filter(|other| {
                let other = other.call();
                other.method == call.method && Route::find(&path).map(|route| route.template) == Some(other.path)
            });
            assert_eq!(fitting.count(), 1, "{operation}");
        }
    }

    #[test]
    fn what_is_not_listed_is_not_found() {
        for path in [
            "",
            "/",
            "/v1",
            "/v1/devices/",
            "/v1/devices/a/b",
            "/v2/session",
            "/v1/session/",
            "v1/session",
            "/V1/session",
        ] {
            assert_eq!(Route::find(path), None, "{path}");
        }
        let push = Route::find("/v1/devices/current/push").unwrap();
        assert_eq!(
            (push.allow().as_str(), push.operation("GET"), push.id),
            ("PUT, DELETE", None, None)
        );
    }
}
