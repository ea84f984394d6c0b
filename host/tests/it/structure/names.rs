//! Only the layer `names` splits names of interfaces or compares them as text.

use super::source::SourceFile;

/// Code that splits or compares names.
const BY_HAND: [&str; 7] = [
    "split_once('@')",
    "split('@')",
    "find('@')",
    "rsplit('/')",
    "0.2.",
    "starts_with(\"wasi:",
    "are_semver_compatible",
];

/// Lines of other layers that split or compare names.
pub fn violations(files: &[SourceFile]) -> Vec<String> {
    let mut violations = Vec::new();
    for file in files.iter().filter(|file| file.layer() != "names") {
        for (index, line) in file.text.iter().enumerate() {
            if BY_HAND.iter().any(|by_hand| line.contains(by_hand)) {
                violations.push(file.violation(
                    index + 1,
                    "the name of an interface is taken apart outside of `names`",
                ));
            }
        }
    }
    violations
}
