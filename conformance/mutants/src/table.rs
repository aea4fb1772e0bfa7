//! The form of a mutant.

/// The mutants of an area: what each does wrong, its name, the requirement it breaks, the part of the reference server that is
/// replaced, and by what. Three forms of the last:
///
/// - `policy Name { … }`, the methods of that part that differ; every other one is the right one where the part has defaults;
/// - `policy = value;`, where the value has state, or serves several mutants;
/// - `policy => |server| { … };`, where more than one part is touched.
macro_rules! mutants {
    ($(
        #[doc = $summary:literal]
        $slug:literal breaks $requirement:literal: $part:ident
        $($name:ident { $($methods:tt)* })?
        $(= $value:expr;)?
        $(=> $change:expr;)?
    )*) => {
        $($(
            struct $name;
            implement!($part $name $($methods)*);
        )?)*

        pub(crate) const MUTANTS: &[$crate::Mutant] = &[$(
            $crate::Mutant {
                slug: $slug,
                requirement: $requirement,
                part: stringify!($part),
                summary: $summary.trim_ascii_start(),
                change: $(|server| replace!(server.$part by $name))?
                    $(|server| replace!(server.$part by $value))?
                    $($change)?,
            }
        ),*];
    };
}

macro_rules! implement {
    (policy $name:ident $($methods:tt)*) => {
        impl reference_server::policy::Policy for $name { $($methods)* }
    };
    (codes $name:ident $($methods:tt)*) => {
        impl reference_server::ports::CodeSource for $name { $($methods)* }
    };
    (http $name:ident $($methods:tt)*) => {
        #[async_trait::async_trait]
        impl reference_server::http::Middleware for $name { $($methods)* }
    };
}

macro_rules! replace {
    ($server:ident.http by $value:expr) => {
        $server.wrap($value)
    };
    ($server:ident.$part:ident by $value:expr) => {
        $server.deps.$part = std::sync::Arc::new($value)
    };
}
