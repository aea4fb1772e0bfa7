//! What a check is: a small function of one shape, with its requirement and what it needs of the target.

use std::future::Future;
use std::pin::Pin;

use specs::Profile;
use targets::{Capability, OperationKind};

use crate::context::Context;
use crate::proof::CheckResult;

pub type Run<'a> = Pin<Box<dyn Future<Output = CheckResult> + Send + 'a>>;

pub struct Check {
    /// `REQUIREMENT.what-is-checked`, such as `RSND-02.old-code-is-void`.
    pub id: &'static str,
    /// What is done and what must come of it, in one plain sentence.
    pub title: &'static str,
    /// Operations without which it is not applicable (sign_in and verify go without saying).
    pub operations: &'static [OperationKind],
    /// Capabilities without which it is not applicable.
    pub capabilities: &'static [Capability],
    /// The readings of its requirement under which it is asked for.
    pub profiles: &'static [Profile],
    /// Whether time has to pass on the target; such checks never share its clock with others.
    pub moves_clock: bool,
    pub run: for<'a> fn(&'a mut Context) -> Run<'a>,
}

impl Check {
    /// What a check is that says nothing else.
    pub(crate) const DEFAULT: Check = Check {
        id: "",
        title: "",
        operations: &[],
        capabilities: &[],
        profiles: &Profile::ALL,
        moves_clock: false,
        run: |_| Box::pin(std::future::ready(crate::proof::not_tested("there is nothing to run"))),
    };

    /// The id of the requirement it judges.
    pub fn requirement(&self) -> &'static str {
        self.id.split_once('.').map_or(self.id, |(requirement, _)| requirement)
    }
}

/// Makes `CHECKS` of the functions that stand in it. A check's title is its doc, and `#[check("ID", …)]` above it names what
/// differs from [`Check::DEFAULT`]: `operations = […]`, `capabilities = […]`, `profiles = […]`, `moves_clock`. Whatever else
/// stands between the checks, such as a helper beside the one that uses it, is left as it is. In parentheses, not in braces:
/// rustfmt formats the items inside.
macro_rules! checks {
    (@field operations [$($name:ident),*]) => { &[$(::targets::OperationKind::$name),*] };
    (@field capabilities [$($name:ident),*]) => { &[$(::targets::Capability::$name),*] };
    (@field profiles [$($name:ident),*]) => { &[$(::specs::Profile::$name),*] };
    (@field moves_clock) => { true };

    (@all [$($check:tt)*]) => {
        #[allow(clippy::needless_update, reason = "a check may say everything itself")]
        pub(crate) const CHECKS: &[$crate::check::Check] = &[$($check)*];
    };
    (@all [$($before:tt)*]
        $(#[doc = $title:literal])+
        #[check($id:literal $(, $field:ident $(= $value:tt)?)* $(,)?)]
        async fn $name:ident($cx:ident: &mut Context) -> CheckResult $body:block
        $($after:tt)*
    ) => {
        async fn $name($cx: &mut Context) -> CheckResult $body

        checks!(@all [$($before)* $crate::check::Check {
            id: $id,
            title: concat!($($title),+).trim_ascii(),
            run: |cx| Box::pin($name(cx)),
            $($field: checks!(@field $field $($value)?),)*
            ..$crate::check::Check::DEFAULT
        },] $($after)*);
    };
    (@all [$($before:tt)*] $item:item $($after:tt)*) => {
        $item
        checks!(@all [$($before)*] $($after)*);
    };
    ($($items:tt)*) => { checks!(@all [] $($items)*); };
}
