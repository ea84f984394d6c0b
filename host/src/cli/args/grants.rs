//! `--dir` and `--env`: what each part may reach.

use crate::cli::exit::UsageError;
use std::collections::BTreeMap;
use wit_host::{
    Access, PartName, Preopen, Sandbox, Sandboxes,
    untrusted::{Name, quoted_names},
};

/// Grants. Without them a component reaches nothing of this machine.
#[derive(clap::Args)]
pub struct GrantArgs {
    /// Grant the directory HOST to FILE, or only to the part NAME, which sees it as GUEST.
    ///
    /// Without `::GUEST` the part sees it under the path HOST. With `:ro` it can only be read.
    #[arg(
        long = "dir",
        value_name = "[NAME=]HOST[::GUEST][:ro]",
        help_heading = "Grants"
    )]
    dirs: Vec<String>,
    /// Set an environment variable for FILE, or only for the part NAME.
    #[arg(long = "env", value_name = "[NAME=]KEY=VALUE", help_heading = "Grants")]
    env: Vec<String>,
}

impl GrantArgs {
    /// The sandboxes of the parts. `consumer` is the component that runs, with its sandbox so far.
    pub fn sandboxes(
        &self,
        consumer: (&PartName, Sandbox),
        plugs: impl IntoIterator<Item = PartName>,
    ) -> Result<Sandboxes, UsageError> {
        let mut parts = Parts {
            consumer: consumer.0,
            sandbox: consumer.1,
            plugs: plugs
                .into_iter()
                .map(|name| (name.clone(), Sandbox::new().mark_stderr(name)))
                .collect(),
        };
        for text in &self.dirs {
            let (name, rest) = split_dir_name(text);
            let preopen = parse_preopen(rest)
                .map_err(|why| UsageError(format!("`--dir {}`: {why}", Name(text))))?;
            parts.grant("--dir", text, name, |sandbox| sandbox.preopen(preopen))?;
        }
        for text in &self.env {
            let (name, key, value) = split_env(text).ok_or_else(|| {
                UsageError(format!(
                    "`--env {}` is not of the form `[NAME=]KEY=VALUE`",
                    Name(text)
                ))
            })?;
            if name.is_none() {
                parts.refuse_name_as_variable(text, key, value)?;
            }
            parts.grant("--env", text, name, |sandbox| sandbox.env(key, value))?;
        }
        let sandboxes = Sandboxes::new(parts.sandbox);
        let plugs = parts.plugs.into_iter();
        Ok(plugs.fold(sandboxes, |sandboxes, (name, sandbox)| {
            sandboxes.plug(name, sandbox)
        }))
    }
}

struct Parts<'a> {
    consumer: &'a PartName,
    sandbox: Sandbox,
    plugs: BTreeMap<PartName, Sandbox>,
}

impl Parts<'_> {
    fn grant(
        &mut self,
        flag: &str,
        text: &str,
        name: Option<&str>,
        grant: impl FnOnce(Sandbox) -> Sandbox,
    ) -> Result<(), UsageError> {
        let sandbox = match name {
            None => &mut self.sandbox,
            Some(name) if name == self.consumer.as_str() => &mut self.sandbox,
            Some(name) => {
                let mut plugs = self.plugs.iter_mut();
                match plugs.find(|(plug, _)| plug.as_str() == name) {
                    Some((_, sandbox)) => sandbox,
                    None => return Err(self.no_such_part(flag, text, name)),
                }
            }
        };
        *sandbox = grant(std::mem::take(sandbox));
        Ok(())
    }

    /// Refuses a variable of the consumer that looks like a variable of a part: with the name of the part as
    /// it is and no value, as in `cache=CACHE_FSYNC`, or with the name in other letters, as in `Cache=A=b`.
    fn refuse_name_as_variable(
        &self,
        text: &str,
        key: &str,
        value: &str,
    ) -> Result<(), UsageError> {
        let is_assignment = value
            .split_once('=')
            .is_some_and(|(key, _)| is_variable(key));
        let is_meant = |name: &&PartName| {
            name.as_str() == key || is_assignment && name.as_str().eq_ignore_ascii_case(key)
        };
        let mut names = std::iter::once(self.consumer).chain(self.plugs.keys());
        let Some(name) = names.find(is_meant) else {
            return Ok(());
        };
        let (consumer, text, key) = (self.consumer, Name(text), Name(key));
        Err(UsageError(format!(
            "`--env {text}`: `{name}` is a part; write `--env {name}=KEY=VALUE`, or `--env {consumer}={text}` for a variable `{key}`"
        )))
    }

    fn no_such_part(&self, flag: &str, text: &str, name: &str) -> UsageError {
        let names = quoted_names(std::iter::once(self.consumer).chain(self.plugs.keys()));
        let (consumer, text) = (self.consumer, Name(text));
        let parts = match self.plugs.len() {
            0 => format!("the only part is {names}"),
            _ => format!("the parts are {names}"),
        };
        UsageError(format!(
            "`{flag} {text}`: no part is named `{}`; {parts}; to grant `{text}` itself, write `{flag} {consumer}={text}`",
            Name(name)
        ))
    }
}

/// A path can hold an equals sign too. It ends NAME only if the text before it is a valid name.
fn split_dir_name(text: &str) -> (Option<&str>, &str) {
    match text.split_once('=') {
        Some((name, rest)) if name.parse::<PartName>().is_ok() => (Some(name), rest),
        _ => (None, text),
    }
}

fn parse_preopen(text: &str) -> Result<Preopen, &'static str> {
    let (text, access) = match text.strip_suffix(":ro") {
        Some(text) => (text, Access::ReadOnly),
        None => (text, Access::ReadWrite),
    };
    let (host, guest) = match text.split_once("::") {
        // A mistyped `:ro` must not grant writing.
        Some((_, guest)) if guest.contains(':') => {
            return Err(
                "GUEST cannot contain `:`; write `:ro` after it to grant the directory for reading only",
            );
        }
        Some(split) => split,
        None => (text, text),
    };
    if host.is_empty() || guest.is_empty() {
        return Err("HOST and GUEST cannot be empty");
    }
    Ok(Preopen::new(host, guest, access))
}

/// Splits `NAME=KEY=VALUE` if NAME is a valid name and KEY looks like a variable, else `KEY=VALUE`.
///
/// A mistyped NAME must not become a variable of the consumer, which would then learn what was meant
/// for a plug. It is refused, because no part has that name.
fn split_env(text: &str) -> Option<(Option<&str>, &str, &str)> {
    let (first, rest) = text.split_once('=')?;
    if first.is_empty() {
        return None;
    }
    match rest.split_once('=') {
        Some((key, value)) if first.parse::<PartName>().is_ok() && is_variable(key) => {
            Some((Some(first), key, value))
        }
        _ => Some((None, first, rest)),
    }
}

fn is_variable(key: &str) -> bool {
    key.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_has_a_part_a_path_and_an_access() {
        let parse = |text| {
            let (name, rest) = split_dir_name(text);
            let preopen = parse_preopen(rest).expect(text);
            let host = preopen.host.display().to_string();
            (name, host, preopen.guest, preopen.access)
        };
        let cases = [
            ("store", (None, "store", "store", Access::ReadWrite)),
            ("a/b::/c", (None, "a/b", "/c", Access::ReadWrite)),
            (
                "cache=./s::/c:ro",
                (Some("cache"), "./s", "/c", Access::ReadOnly),
            ),
            ("./x=y::z", (None, "./x=y", "z", Access::ReadWrite)),
        ];
        for (text, (name, host, guest, access)) in cases {
            assert_eq!(
                parse(text),
                (name, host.to_owned(), guest.to_owned(), access)
            );
        }
        for text in [
            "",
            "::",
            "a::",
            "::b",
            ":ro",
            "a::/b:RO",
            "a::/b:rw",
            "a::/b::ro",
            "a::b::c",
        ] {
            assert!(parse_preopen(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_variable_is_the_consumers_unless_a_part_is_named() {
        let cases = [
            ("A=b", Some((None, "A", "b"))),
            ("A=", Some((None, "A", ""))),
            (
                "cache=CACHE_FSYNC=full",
                Some((Some("cache"), "CACHE_FSYNC", "full")),
            ),
            ("OPTS=-x=1", Some((None, "OPTS", "-x=1"))),
            ("opts=-x=1", Some((None, "opts", "-x=1"))),
            ("A", None),
            ("=b", None),
        ];
        for (text, expected) in cases {
            assert_eq!(split_env(text), expected, "{text}");
        }
    }
}
