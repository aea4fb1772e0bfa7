//! From the file to the plan: everything that can be wrong with a binding is found here, before a request is sent, and is
//! shown where it stands with what to do about it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use miette::{IntoDiagnostic, WrapErr};
use specs::Capability;
use toml::Spanned;

use super::diagnostic::{Source, Wrong, known_names};
use super::format::{BindingFile, ClockFile, CodeOwner, KeepFile, LaunchFile, PlaceFile, Switch};
use super::load_step::Steps;
use super::names;
use super::plan::{Binding, Keep, Launch, Place};
use super::template::Template;
use crate::clock::ClockMode;
use crate::delivery_log::Patterns;
use crate::device::CredentialKind;
use crate::operation::OperationKind;

/// Reads a binding file.
pub fn load(path: impl AsRef<Path>) -> miette::Result<Binding> {
    let path = path.as_ref();
    let text = std::fs::read_to_string(path)
        .into_diagnostic()
        .wrap_err_with(|| format!("cannot read the binding {}", path.display()))?;
    parse(path, &text).map_err(|diagnostic| miette::Report::new(*diagnostic))
}

/// Reads a binding from text; `path` names it in diagnostics and is where its relative paths start.
pub fn parse(path: &Path, text: &str) -> Result<Binding, Wrong> {
    let source = Source::new(path, text);
    let file: BindingFile = toml::from_str(text).map_err(|error| unreadable(&source, &error))?;
    Loader {
        source: &source,
        path: path.to_owned(),
    }
    .binding(file)
}

fn unreadable(source: &Source<'_>, error: &toml::de::Error) -> Wrong {
    let message = error.message().trim().to_owned();
    let help = match message.split_once("unknown field `") {
        Some((_, rest)) => {
            let mut ticked = rest.split('`').step_by(2).filter(|name| !name.is_empty()).map(str::to_owned);
            let written = ticked.next().unwrap_or_default();
            let known: Vec<String> = ticked.collect();
            known_names(&written, known.iter().map(String::as_str))
        }
        None => "targets/bindings/binding.schema.json describes every key; editors check a file against it".to_owned(),
    };
    let message = message.split(", expected one of").next().unwrap_or_default();
    source.diagnostic(error.span(), message, "here", help)
}

struct Loader<'a> {
    source: &'a Source<'a>,
    path: PathBuf,
}

impl Loader<'_> {
    fn binding(&self, file: BindingFile) -> Result<Binding, Wrong> {
        let variables = variables(&file);
        let steps = Steps {
            source: self.source,
            variables: &variables,
            routines: file.routines.keys().cloned().collect(),
            actors: file.actors.keys().cloned().collect(),
        };
        let mut operations = BTreeMap::new();
        for (name, operation) in &file.operations {
            let kind = self.operation(name)?;
            operations.insert(kind, steps.compile(operation, name.span(), &names::arguments(kind))?);
        }
        for needed in [OperationKind::SignIn, OperationKind::Verify] {
            if !operations.contains_key(&needed) {
                let help = "a service without a second step is not what this harness tests".to_owned();
                return Err(self
                    .source
                    .diagnostic(None, format!("`operations.{needed}` is missing"), "", help));
            }
        }
        let all = names::all_arguments();
        let shared = |files: &BTreeMap<String, super::format::OperationFile>| {
            files
                .iter()
                .map(|(name, file)| Ok((name.clone(), steps.compile(file, 0..0, &all)?)))
                .collect::<Result<BTreeMap<_, _>, Wrong>>()
        };
        let mut capabilities = file
            .capabilities
            .iter()
            .map(|name| self.named(name, "capability", Capability::ALL, Capability::name))
            .collect::<Result<std::collections::BTreeSet<_>, _>>()?;
        if file.facts.code_belongs_to == CodeOwner::Challenge {
            capabilities.insert(Capability::CodePerChallenge);
        }
        if file.facts.limits == Switch::On {
            capabilities.insert(Capability::Limits);
        }
        let everywhere: Vec<&str> = names::ALWAYS.iter().chain(names::RUN).copied().collect();
        let plan = Binding {
            headers: steps.templates(&file.request.headers, &everywhere)?,
            take: steps.captures(&file.take)?,
            routines: shared(&file.routines)?,
            actors: shared(&file.actors)?,
            operations,
            capabilities,
            clock: match file.clock {
                ClockFile::Waiting { budget_s } => ClockMode::Waiting {
                    budget: Duration::from_secs(budget_s),
                },
                ClockFile::None => ClockMode::None,
            },
            launch: file.launch.as_ref().map(|launch| self.launch(launch)).transpose()?,
            credentials: credentials(&file),
            patterns: Patterns {
                code_field: file.mail.code_field.clone(),
                code: self.patterns(&file.mail.code)?,
                reset_token: self.patterns(&file.mail.reset)?,
            },
            keep: file.keep.as_ref().map(|keep| self.keep(keep)).transpose()?,
            name: file.name,
            summary: file.summary,
            path: self.path.clone(),
            parameters: file.parameters,
            facts: file.facts,
            base: file.base,
        };
        super::load_step::no_circles(&plan, self.source)?;
        Ok(plan)
    }

    fn operation(&self, name: &Spanned<String>) -> Result<OperationKind, Wrong> {
        self.named(name, "operation", OperationKind::ALL, OperationKind::name)
    }

    fn named<T: Copy>(&self, name: &Spanned<String>, what: &str, all: &[T], called: fn(T) -> &'static str) -> Result<T, Wrong> {
        let written = name.get_ref();
        all.iter().copied().find(|one| called(*one) == written).ok_or_else(|| {
            let help = known_names(written, all.iter().map(|one| called(*one)));
            let message = format!("unknown {what} `{written}`");
            self.source.diagnostic(name.span(), message, format!("no such {what}"), help)
        })
    }

    fn launch(&self, file: &LaunchFile) -> Result<Launch, Wrong> {
        let fill = |text: &Spanned<String>| -> Result<Template, Wrong> {
            let steps = Steps::bare(self.source);
            steps.template(text, &["port", "smtp_host", "smtp_port"])
        };
        let folder = self.path.parent().unwrap_or(Path::new("."));
        Ok(Launch {
            command: file.command.clone(),
            args: file.args.iter().map(fill).collect::<Result<_, _>>()?,
            env: file
                .env
                .iter()
                .map(|(name, text)| Ok((name.clone(), fill(text)?)))
                .collect::<Result<_, Wrong>>()?,
            working_dir: folder.join(&file.working_dir),
            ready: self.source.pattern(&file.ready)?,
            timeout: Duration::from_secs(file.timeout_s),
        })
    }

    fn patterns(&self, texts: &[Spanned<String>]) -> Result<Vec<regex::Regex>, Wrong> {
        texts.iter().map(|text| self.source.pattern(text)).collect()
    }

    fn keep(&self, file: &KeepFile) -> Result<Keep, Wrong> {
        Ok(Keep {
            cookies: self.patterns(&file.cookies)?,
            variables: file.variables.clone(),
        })
    }
}

fn credentials(file: &BindingFile) -> BTreeMap<CredentialKind, Place> {
    let places = [
        (CredentialKind::Handle, &file.credentials.handle),
        (CredentialKind::Access, &file.credentials.access),
        (CredentialKind::Refresh, &file.credentials.refresh),
        (CredentialKind::Trust, &file.credentials.trust),
    ];
    let plan = |place: &PlaceFile| match place {
        PlaceFile::Cookie(name) => Place::Cookie(name.clone()),
        PlaceFile::Variable(name) => Place::Variable(name.clone()),
    };
    places
        .into_iter()
        .filter_map(|(kind, place)| Some((kind, plan(place.as_ref()?))))
        .collect()
}

/// Every variable that some step of the binding can set.
fn variables(file: &BindingFile) -> Vec<String> {
    let mut names: Vec<String> = file.take.iter().map(|capture| capture.name.clone()).collect();
    let all = file
        .operations
        .values()
        .chain(file.routines.values())
        .chain(file.actors.values());
    for step in all.flat_map(|operation| &operation.steps) {
        let step = step.get_ref();
        names.extend(step.take.iter().map(|capture| capture.name.clone()));
        names.extend(step.mail.iter().map(|mail| mail.into.clone()));
    }
    let c = &file.credentials;
    for place in [&c.handle, &c.access, &c.refresh, &c.trust].into_iter().flatten() {
        if let PlaceFile::Variable(name) = place {
            names.push(name.clone());
        }
    }
    names.sort_unstable();
    names.dedup();
    names
}
