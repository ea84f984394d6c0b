//! The layers of the library, which are the top-level modules of `host/src`, depend only downward.

use super::source::SourceFile;

/// The layers, lowest first. A layer uses only layers before it. The command uses all of them.
const LAYERS: [&str; 22] = [
    "untrusted",
    "names",
    "wasm",
    "directory",
    "value",
    "sandbox",
    "store",
    "host_interface",
    "core_module",
    "compose",
    "report",
    "ending",
    "wasi",
    "program",
    "runtime",
    "plan",
    "bindgen",
    "redis_client",
    "cache",
    "rooms",
    "server",
    "lib",
];

/// Rooms that use a layer above them, each with the reason. The list only shrinks.
const EXCEPTIONS: [(&str, &str, &str); 0] = [];

/// Uses of a layer that is not below, and exceptions that are not needed any more.
pub fn violations(files: &[SourceFile]) -> Vec<String> {
    let place = |layer: &str| LAYERS.iter().position(|known| *known == layer);
    let mut violations = Vec::new();
    let mut needed = [false; EXCEPTIONS.len()];
    for file in files {
        let layer = file.layer();
        if ["cli", "main"].contains(&layer) {
            continue;
        }
        let Some(own) = place(layer) else {
            violations
                .push(file.violation(1, &format!("layer `{layer}` has no place in the order")));
            continue;
        };
        for (line, used) in used_modules(file) {
            let exception = EXCEPTIONS
                .iter()
                .position(|(from, to, _)| (*from, *to) == (layer, &used));
            match (place(&used), exception) {
                (Some(other), _) if other <= own => {}
                (Some(_), Some(exception)) => needed[exception] = true,
                (Some(_), None) => violations.push(file.violation(
                    line,
                    &format!("layer `{layer}` uses `{used}`, which is above it"),
                )),
                (None, _) => violations.push(file.violation(
                    line,
                    &format!("`crate::{used}` is not a layer of the library"),
                )),
            }
        }
    }
    if files.len() > 1 {
        let unneeded = EXCEPTIONS.iter().zip(needed).filter(|(_, needed)| !needed);
        violations.extend(unneeded.map(|((from, to, _), _)| {
            format!("`{from}` does not use `{to}` any more; remove the exception")
        }));
    }
    violations
}

/// The modules that a file names by `crate::`, also in groups as `crate::{a, b::c}`, with the line of each.
fn used_modules(file: &SourceFile) -> Vec<(usize, String)> {
    let text = file.lines.join("\n");
    let line_at = |at: usize| text[..at].matches('\n').count() + 1;
    let is_part_of_name = |c: char| c.is_alphanumeric() || c == '_';
    let mut used = Vec::new();
    let starts = text
        .match_indices("crate::")
        .filter(|(at, _)| !text[..*at].ends_with(is_part_of_name));
    for (at, prefix) in starts {
        let mut depth = 0;
        let mut is_start = true;
        let mut name = (0, String::new());
        for (offset, c) in text[at + prefix.len()..].char_indices() {
            if is_start && is_part_of_name(c) {
                if name.1.is_empty() {
                    name.0 = line_at(at + prefix.len() + offset);
                }
                name.1.push(c);
                continue;
            }
            if !name.1.is_empty() {
                used.push(std::mem::take(&mut name));
                is_start = false;
            }
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 1 => is_start = true,
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
        used.extend((!name.1.is_empty()).then_some(name));
    }
    used
}
