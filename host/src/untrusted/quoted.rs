//! Lists of names in messages.

use super::Name;
use std::fmt::Display;

/// Names as a message lists them: each escaped as a [`Name`], between backticks, with commas.
///
/// ```
/// use wit_host::untrusted::quoted_names;
///
/// assert_eq!(quoted_names(["run", "a\nb"]), r"`run`, `a\u{a}b`");
/// assert_eq!(quoted_names::<&str>([]), "");
/// ```
pub fn quoted_names<T: Display>(names: impl IntoIterator<Item = T>) -> String {
    let quoted = names.into_iter().map(|name| format!("`{}`", Name(name)));
    quoted.collect::<Vec<_>>().join(", ")
}
