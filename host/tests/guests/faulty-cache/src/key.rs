//! The entry that a key names.

use crate::fault::Fault;

const LONGEST: usize = 4096;

/// The name of the entry: the key itself, unless the fault is about keys.
pub fn entry_name(fault: Fault, key: &str) -> String {
    let without = |strip: fn(char) -> bool| key.replace(strip, "");
    match fault {
        Fault::FoldsCase => key.to_ascii_lowercase(),
        Fault::ComposesAccents => key.replace("e\u{301}", "\u{e9}"),
        Fault::TrimsKey => key.trim_end_matches(' ').to_owned(),
        Fault::ResolvesPath => resolve(key),
        Fault::TurnsBackslash => key.replace('\\', "/"),
        Fault::EndsKeyAtNul => key.split('\0').next().unwrap_or_default().to_owned(),
        // Another fault handles NUL.
        Fault::StripsControlCharacters => without(|c| c.is_control() && c != '\0'),
        Fault::StripsInvisibleCharacters => without(|c| matches!(c, '\u{200b}' | '\u{feff}')),
        Fault::KnowsOnlyThreeBytes => key.replace(|c: char| c.len_utf8() == 4, "\u{fffd}"),
        Fault::ComparesBeginnings => beginning(key).to_owned(),
        Fault::TakesHashForKey => match key {
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" => "abc".to_owned(),
            _ => key.to_owned(),
        },
        Fault::ReadsNumbers => key
            .parse()
            .map_or(key.to_owned(), |number: f64| number.to_string()),
        Fault::DecodesPercent => key.replace("%2F", "/"),
        _ => key.to_owned(),
    }
}

/// `true` if a value stored under the key is lost.
pub fn is_lost(fault: Fault, key: &str) -> bool {
    match fault {
        Fault::OpensDevice => matches!(key, "CON" | "NUL" | "NUL.txt"),
        Fault::StumblesOverReservedWord => key == "__proto__",
        _ => false,
    }
}

/// `true` if `delete` of the key also removes the entry named `entry`.
pub fn deletes_also(fault: Fault, key: &str, entry: &str) -> bool {
    match fault {
        Fault::DeletesByBeginning => entry.starts_with(key),
        Fault::DeletesByWildcard => key
            .strip_suffix('*')
            .is_some_and(|beginning| entry.starts_with(beginning)),
        _ => false,
    }
}

pub fn is_too_long(fault: Fault, key: &str) -> bool {
    let length = match fault {
        Fault::CountsCharacters => key.chars().count(),
        _ => key.len(),
    };
    length > LONGEST
}

pub fn is_longest(key: &str) -> bool {
    key.len() == LONGEST
}

/// `true` if the key cannot be a file name.
pub fn is_no_file_name(key: &str) -> bool {
    beginning(key) != key
}

/// The longest beginning of the key that fits into a file name.
pub fn beginning(key: &str) -> &str {
    &key[..key.floor_char_boundary(255)]
}

fn resolve(path: &str) -> String {
    let mut steps = Vec::new();
    for step in path.split('/') {
        match step {
            "" | "." => {}
            ".." => drop(steps.pop()),
            name => steps.push(name),
        }
    }
    steps.join("/")
}
