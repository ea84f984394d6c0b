//! What the rows of a table mean.

/// A general part, and an item for each number that a row can begin with.
const LEGEND: &str = include_str!("../../legend.md");

/// The legend for a table with these rows, as Markdown.
pub fn explain<'a>(rows: impl Iterator<Item = &'a str> + Clone) -> String {
    LEGEND
        .split_inclusive('\n')
        .filter(|line| {
            let number = line
                .strip_prefix("- **")
                .and_then(|item| item.split_once("**"));
            number.is_none_or(|(number, _)| {
                rows.clone()
                    .any(|row| row.split(' ').next() == Some(number))
            })
        })
        .collect()
}
