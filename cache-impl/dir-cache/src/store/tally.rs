//! The number of blocks that each subdirectory held when it was last weighed: names of empty files,
//! shared by all processes that have a bound.
//!
//! `v1/tally/` holds a file for each row of 16 subdirectories; the file's name contains the
//! figures and a version. A process changes a row by renaming its file. If another process was
//! faster, the rename fails: the process then reads the new figures and tries again. No file here is
//! ever written to, so a link at one of these names does no harm.
//!
//! A figure may have been measured before another process changed the row. The larger of the two
//! figures then counts, because each process may know of a file that the other one did not find.
//! So a file that was announced here counts until it is gone, wherever a process pauses.
//!
//! A figure that is too high is corrected when its subdirectory is weighed again. A missing one is
//! unknown.

use crate::directory::{Directory, DirectoryError};
use crate::hex::{parse_hex, push_hex};
use crate::key::SHELVES;
use alloc::string::String;
use alloc::vec::Vec;

/// The directory of the figures, relative to the store's. Earlier releases had a file there.
const TALLY_PATH: &str = "v1/tally";

const ROWS: u8 = 16;
const COLUMNS: u8 = 16;

/// The number of attempts at an operation that other processes can interrupt.
const ATTEMPTS: usize = 8;

/// The number of times to list the names while some are missing.
const LISTINGS: usize = 3;

/// The record for a subdirectory: 0 for none, else its number of blocks plus 1.
type Figure = u32;

/// The number of blocks in each subdirectory.
#[derive(Debug)]
pub(super) struct Tally<D> {
    directory: D,
    /// The names of the rows.
    names: Vec<String>,
    found: [Figure; SHELVES],
    /// The figures that this process has measured, less what it has freed since.
    weighed: [Figure; SHELVES],
    /// Those that were measured before another process changed the row.
    outdated: [bool; SHELVES],
}

impl<D: Directory> Tally<D> {
    /// Reads the figures. Anything else that stands in place of their directory is removed.
    pub(super) fn open(root: &D) -> Result<Self, DirectoryError> {
        let directory = root.enter(TALLY_PATH).or_else(|_| {
            let _ = root.remove_file(TALLY_PATH);
            match root.create_directory(TALLY_PATH) {
                Ok(()) | Err(DirectoryError::AlreadyExists) => root.enter(TALLY_PATH),
                Err(error) => Err(error),
            }
        })?;
        let mut tally = Self {
            directory,
            names: Vec::new(),
            found: [0; SHELVES],
            weighed: [0; SHELVES],
            outdated: [false; SHELVES],
        };
        tally.refresh()?;
        Ok(tally)
    }

    /// Reads the figures again. A figure that this process has measured becomes outdated if another
    /// process has changed the row.
    pub(super) fn refresh(&mut self) -> Result<(), DirectoryError> {
        let known = core::mem::take(&mut self.names);
        for _ in 0..LISTINGS {
            self.names = self.directory.names()?;
            self.found = [0; SHELVES];
            self.names.retain(|name| merge(&mut self.found, name));
            let rows = self.names.len();
            // The listing may miss a file that is renamed at the same time.
            if rows == 0 || rows >= usize::from(ROWS) {
                break;
            }
        }
        for row in 0..ROWS {
            if newest(&known, row) != newest(&self.names, row) {
                for number in shelves_of(row) {
                    self.outdated[number] = true;
                }
            }
        }
        Ok(())
    }

    /// Records the number of blocks of a subdirectory, to be published. Its files have to be listed
    /// after the figures were read for the last time.
    pub(super) fn record(&mut self, shelf_number: u8, blocks: u64) {
        let most = u64::from(Figure::MAX - 1);
        self.weighed[usize::from(shelf_number)] = blocks.min(most) as Figure + 1;
        self.outdated[usize::from(shelf_number)] = false;
    }

    /// Subtracts blocks that were freed from a recorded figure.
    pub(super) fn free(&mut self, shelf_number: u8, blocks: u64) {
        let weighed = &mut self.weighed[usize::from(shelf_number)];
        let left = u64::from(*weighed).saturating_sub(blocks);
        *weighed = left.max(1) as Figure;
    }

    /// Publishes a recorded figure, so that each process knows of it that reads the figures from now
    /// on or is about to change this one.
    ///
    /// Returns `false` if other processes were faster each time.
    pub(super) fn announce(&mut self, shelf_number: u8) -> Result<bool, DirectoryError> {
        self.publish_row(shelf_number / COLUMNS)
    }

    /// Publishes the recorded figures that differ from those read.
    pub(super) fn publish(&mut self) -> Result<(), DirectoryError> {
        for row in 0..ROWS {
            if shelves_of(row).any(|number| self.figure(number) != self.found[number]) {
                self.publish_row(row)?;
            }
        }
        Ok(())
    }

    /// Returns `false` if another process was faster each time: the row is then still unpublished.
    fn publish_row(&mut self, row: u8) -> Result<bool, DirectoryError> {
        for _ in 0..ATTEMPTS {
            let old = newest(&self.names, row);
            let version = old.and_then(|old| version_of(old)).unwrap_or_default();
            let figures = shelves_of(row).map(|number| self.figure(number));
            let name = encode(row, version.wrapping_add(1), figures);
            let published = match old {
                Some(old) => self.directory.rename(old, &name),
                None => self.directory.create(&name).map(drop),
            };
            match published {
                // Another process has renamed or created it.
                Err(DirectoryError::NotFound | DirectoryError::AlreadyExists) => self.refresh()?,
                Err(error) => return Err(error),
                Ok(()) => {
                    for other in self.names.iter().filter(|other| row_of(other) == Some(row)) {
                        if Some(other) != old && *other != name {
                            let _ = self.directory.remove_file(other);
                        }
                    }
                    for number in shelves_of(row) {
                        self.found[number] = self.figure(number);
                    }
                    self.names.retain(|name| row_of(name) != Some(row));
                    self.names.push(name);
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// The number of blocks in a subdirectory; `None` if no process has weighed it.
    pub(super) fn blocks(&self, shelf_number: u8) -> Option<u64> {
        let figure = self.figure(usize::from(shelf_number));
        figure.checked_sub(1).map(u64::from)
    }

    fn figure(&self, number: usize) -> Figure {
        let (found, weighed) = (self.found[number], self.weighed[number]);
        match (weighed, self.outdated[number]) {
            (0, _) => found,
            (_, false) => weighed,
            (_, true) => weighed.max(found),
        }
    }

    /// The sum of all known figures, in blocks.
    pub(super) fn total(&self) -> u64 {
        let all = 0..=u8::MAX;
        all.filter_map(|number| self.blocks(number)).sum()
    }

    /// The fullest unseen subdirectory, searching from `first` and wrapping around; one that no
    /// process has weighed precedes all others.
    pub(super) fn fullest(&self, seen: &[bool; SHELVES], first: u8) -> Option<u8> {
        let round = (0..SHELVES).map(|step| first.wrapping_add(step as u8));
        let unseen = round.filter(|number| !seen[usize::from(*number)]);
        // Reversed, because `max_by_key` returns the last of equals, and the first is wanted.
        let unseen = unseen.rev();
        unseen.max_by_key(|number| self.blocks(*number).unwrap_or(u64::MAX))
    }
}

/// The numbers of the subdirectories in a row.
fn shelves_of(row: u8) -> impl Iterator<Item = usize> {
    let first = row.wrapping_mul(COLUMNS);
    (0..COLUMNS).map(move |column| usize::from(first.wrapping_add(column)))
}

/// The offset of the figures in a row's name, behind two digits for its number and eight for its
/// version.
const FIGURES_AT: usize = 2 + 8;

/// The length of a row's name, with eight digits for each figure.
const NAME_LEN: usize = FIGURES_AT + 8 * COLUMNS as usize;

fn encode(row: u8, version: u32, figures: impl Iterator<Item = Figure>) -> String {
    let mut name = String::with_capacity(NAME_LEN);
    push_hex(&mut name, &[row]);
    push_hex(&mut name, &version.to_be_bytes());
    for figure in figures {
        push_hex(&mut name, &figure.to_be_bytes());
    }
    name
}

/// The newest name of a row. If several processes created the row at once, it has several until one
/// of them is changed.
fn newest(names: &[String], row: u8) -> Option<&String> {
    names.iter().filter(|name| row_of(name) == Some(row)).max()
}

/// The row of a name; `None` if the name is not a row's.
fn row_of(name: &str) -> Option<u8> {
    let row = parse_hex(name.as_bytes().get(..2)?)?;
    let row = u8::try_from(row).ok()?;
    (row < ROWS && name.len() == NAME_LEN).then_some(row)
}

/// A number that grows by one each time that a process changes the row, so that the row has another
/// name even if its figures are the same again.
fn version_of(name: &str) -> Option<u32> {
    parse_hex(name.as_bytes().get(2..FIGURES_AT)?)
}

/// Takes over those figures in a row's name that are larger. Returns `false` if the name is not a
/// row's.
fn merge(figures: &mut [Figure; SHELVES], name: &str) -> bool {
    let Some(row) = row_of(name) else {
        return false;
    };
    let columns = name.as_bytes().get(FIGURES_AT..).unwrap_or_default();
    for (number, digits) in shelves_of(row).zip(columns.chunks(8)) {
        // A damaged figure counts as unknown.
        let figure = parse_hex(digits).unwrap_or_default();
        figures[number] = figure.max(figures[number]);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::NativeDirectory;
    use std::fs;
    use tempfile::TempDir;

    fn root() -> TempDir {
        let root = tempfile::tempdir().expect("a directory");
        fs::create_dir(root.path().join("v1")).expect("a directory");
        root
    }

    fn open(root: &TempDir) -> Tally<NativeDirectory> {
        let root = NativeDirectory::open(root.path()).expect("a directory");
        Tally::open(&root).expect("a tally")
    }

    fn publish(root: &TempDir, figures: &[(u8, u64)]) {
        let mut tally = open(root);
        for (number, blocks) in figures {
            tally.record(*number, *blocks);
        }
        tally.publish().expect("published");
    }

    fn names(root: &TempDir) -> Vec<String> {
        let files = fs::read_dir(root.path().join("v1/tally")).expect("a tally");
        let names = files.flatten().map(|file| file.file_name().into_string());
        names.map(|name| name.expect("digits")).collect()
    }

    #[test]
    fn what_one_process_publishes_another_reads() {
        let root = root();
        publish(&root, &[(0, 1), (7, 0), (16, u64::MAX), (255, 3)]);
        let tally = open(&root);
        let expected = [
            Some(1),
            Some(0),
            Some(u64::from(u32::MAX - 1)),
            Some(3),
            None,
        ];
        assert_eq!(
            [0, 7, 16, 255, 8].map(|number| tally.blocks(number)),
            expected
        );
        assert_eq!(names(&root).len(), 3, "a file for each row");
    }

    #[test]
    fn what_is_recorded_counts_before_it_is_published() {
        let root = root();
        let mut tally = open(&root);
        tally.record(9, 5);
        tally.refresh().expect("read");
        assert_eq!((tally.blocks(9), tally.total()), (Some(5), 5));
        assert_eq!(open(&root).total(), 0);
    }

    #[test]
    fn processes_that_publish_at_once_lose_nothing() {
        let root = root();
        publish(&root, &[(1, 10), (2, 20)]);
        let (mut one, mut other) = (open(&root), open(&root));
        one.record(1, 11);
        other.record(2, 22);
        other.record(40, 4);
        one.publish().expect("published");
        other.publish().expect("published");
        one.record(3, 3);
        one.publish().expect("published");
        let tally = open(&root);
        let found = [1, 2, 3, 40].map(|number| tally.blocks(number));
        assert_eq!(found, [Some(11), Some(22), Some(3), Some(4)]);
        assert_eq!(names(&root).len(), 2);
    }

    #[test]
    fn a_figure_measured_before_another_process_changed_it_may_only_raise_it() {
        for (measured, other, expected) in [(0, 51, 51), (10, 51, 51), (60, 51, 60)] {
            let root = root();
            publish(&root, &[(1, 10), (2, 20)]);
            let mut tally = open(&root);
            publish(&root, &[(1, other)]);
            tally.record(1, measured);
            tally.record(20, 2);
            tally.publish().expect("published");
            let found = [1, 2, 20].map(|number| open(&root).blocks(number));
            assert_eq!(found, [Some(expected), Some(20), Some(2)]);
        }
    }

    #[test]
    fn an_announcement_of_the_same_figure_counts_as_a_change() {
        let root = root();
        publish(&root, &[(1, 51)]);
        let mut tally = open(&root);
        let mut other = open(&root);
        other.record(1, 51);
        assert!(other.announce(1).expect("announced"));
        tally.record(1, 0);
        tally.publish().expect("published");
        assert_eq!(open(&root).blocks(1), Some(51));
    }

    #[test]
    fn an_announcement_is_new_even_if_another_process_creates_the_same_row() {
        let root = root();
        let (mut one, mut other) = (open(&root), open(&root));
        for tally in [&mut one, &mut other] {
            tally.record(1, 51);
        }
        assert!(one.announce(1).expect("announced"));
        let mut later = open(&root);
        assert!(other.announce(1).expect("announced"));
        later.record(1, 0);
        later.publish().expect("published");
        assert_eq!(open(&root).blocks(1), Some(51));
        assert_eq!(names(&root).len(), 1);
    }

    #[test]
    fn the_oldest_version_follows_the_newest() {
        let root = root();
        let tally = open(&root);
        for version in [0, u32::MAX] {
            let name = encode(0, version, [52].into_iter().chain([0; 15]));
            tally.directory.create(&name).expect("a file");
        }
        let mut tally = open(&root);
        tally.record(0, 51);
        assert!(tally.announce(0).expect("announced"));
        assert_eq!(open(&root).blocks(0), Some(51));
    }

    #[test]
    fn what_this_process_has_published_does_not_raise_its_next_figure() {
        let root = root();
        let mut tally = open(&root);
        for blocks in [51, 20, 0] {
            tally.record(1, blocks);
            assert!(tally.announce(1).expect("announced"));
            assert_eq!(open(&root).blocks(1), Some(blocks));
        }
    }

    #[test]
    fn what_was_freed_is_no_longer_counted() {
        let root = root();
        publish(&root, &[(1, 10)]);
        let mut tally = open(&root);
        tally.record(1, 30);
        tally.free(1, 7);
        assert_eq!(tally.total(), 23);
        tally.free(1, 50);
        assert_eq!(tally.total(), 0);
    }

    #[test]
    fn many_threads_publish_and_lose_nothing() {
        let root = root();
        std::thread::scope(|scope| {
            for thread in 0..8 {
                let root = &root;
                scope.spawn(move || {
                    let mut tally = open(root);
                    for round in 0..50 {
                        for column in 0..2 {
                            tally.record(8 * column + thread, round);
                            tally.publish().expect("published");
                            tally.refresh().expect("read");
                        }
                    }
                });
            }
        });
        let tally = open(&root);
        let known = (0..16).filter(|number| tally.blocks(*number) == Some(49));
        assert!(
            known.count() >= 14,
            "hardly ever is one process too slow eight times"
        );
    }

    #[test]
    fn two_files_for_a_row_become_one_with_the_larger_figures() {
        let root = root();
        let tally = open(&root);
        for figures in [[5, 2, 0], [3, 9, 1]] {
            let figures = figures.into_iter().chain([0; 13]);
            let name = encode(0, 1, figures);
            tally.directory.create(&name).expect("a file");
        }
        let tally = open(&root);
        let found = [0, 1, 2, 3].map(|number| tally.blocks(number));
        assert_eq!(found, [Some(4), Some(8), Some(0), None]);
        publish(&root, &[(3, 7)]);
        assert_eq!(names(&root).len(), 1);
        let tally = open(&root);
        assert_eq!(
            [0, 1, 3].map(|number| tally.blocks(number)),
            [Some(4), Some(8), Some(7)]
        );
    }

    #[test]
    fn other_names_say_nothing_and_stay() {
        let root = root();
        publish(&root, &[(0, 1)]);
        let name = names(&root).remove(0);
        for other in [
            name.to_uppercase() + "A",
            "+".repeat(name.len()),
            "1".repeat(name.len()),
            "f".repeat(name.len()),
            name[..name.len() - 1].into(),
            name.clone() + "0",
            "notes".into(),
        ] {
            assert!(!merge(&mut [0; SHELVES], &other), "{other}");
            fs::write(root.path().join("v1/tally").join(other), "x").expect("a file");
        }
        assert_eq!(open(&root).total(), 1);
        assert_eq!(names(&root).len(), 8);
    }

    #[test]
    fn the_fullest_comes_first_and_each_once() {
        let root = root();
        let mut tally = open(&root);
        for number in 0..=255 {
            tally.record(number, 0);
        }
        for (number, blocks) in [(3, 10), (9, 30), (200, 20)] {
            tally.record(number, blocks);
        }
        tally.weighed[5] = 0;
        let mut seen = [false; SHELVES];
        let mut order = Vec::new();
        while let Some(number) = tally.fullest(&seen, 100) {
            seen[usize::from(number)] = true;
            order.push(number);
        }
        assert_eq!(order[..6], [5, 9, 200, 3, 100, 101]);
        assert_eq!(order.len(), SHELVES);
        assert_eq!(tally.total(), 60);
    }
}
