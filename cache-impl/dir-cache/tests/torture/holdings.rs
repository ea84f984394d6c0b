//! What the subdirectories of a store hold, and what its tally says of them, both in blocks.

use dir_cache::key::Key;
use dir_cache::{Clock, Directory, DirectoryError, Status, Store};

pub const BLOCK: u64 = 4096;

/// The digits of the figures at the end of a name in the tally: eight for each of 16 subdirectories.
const FIGURES: usize = 8 * 16;

/// The blocks that the files of a subdirectory occupy, or will when they have been written.
fn held(root: &impl Directory, shelf: u8) -> u64 {
    let shelf = match root.enter(&path(shelf)) {
        Err(DirectoryError::NotFound) => return 0,
        shelf => shelf.expect("a subdirectory"),
    };
    let names = shelf.names().expect("names");
    let blocks = names.iter().map(|name| {
        let Status { size, .. } = shelf.status(name).expect("a file");
        let announced = name
            .strip_prefix("tmp-")
            .and_then(|name| name.split('-').nth(1));
        let announced = announced.map_or(0, |digits| number(digits).into());
        size.div_ceil(BLOCK).max(announced)
    });
    blocks.sum()
}

/// The blocks that a subdirectory holds by the tally.
fn tallied(root: &impl Directory, shelf: u8) -> u64 {
    let Ok(tally) = root.enter("v1/tally") else {
        return 0;
    };
    let names = tally.names().expect("names");
    let rows = names
        .iter()
        .filter(|name| number(&name[..2]) == u32::from(shelf / 16));
    let figures = rows.map(|name| {
        let at = name.len() - FIGURES + 8 * usize::from(shelf % 16);
        number(&name[at..at + 8])
    });
    u64::from(figures.max().unwrap_or_default()).saturating_sub(1)
}

/// All subdirectories that hold more than the tally says.
pub fn uncounted(root: &impl Directory) -> Vec<String> {
    let shelves = (0..=u8::MAX).map(|shelf| (shelf, held(root, shelf), tallied(root, shelf)));
    let uncounted = shelves.filter(|(_, held, tallied)| held > tallied);
    let said = uncounted.map(|(shelf, held, tallied)| {
        format!(
            "{} holds {held} blocks, {tallied} by the tally",
            path(shelf)
        )
    });
    said.collect()
}

/// Makes all subdirectories known to the tally: the first `set` of a store with a bound looks for each.
pub fn make_known<D: Directory, C: Clock>(empty: &Store<D, C>) {
    empty.set("first", b"small", None).expect("set");
    empty.delete("first").expect("deleted");
}

/// Keys whose entries are in these subdirectories.
pub fn keys(shelves: Vec<u8>) -> impl Iterator<Item = String> {
    let paths: Vec<String> = shelves.into_iter().map(path).collect();
    let keys = (0..).map(|number: u32| number.to_string());
    keys.filter(move |key| {
        let key = Key::new(key).expect("a short key");
        paths.iter().any(|path| path == key.shelf())
    })
}

fn path(shelf: u8) -> String {
    format!("v1/{shelf:02x}")
}

fn number(digits: &str) -> u32 {
    u32::from_str_radix(digits, 16).expect("a number")
}
