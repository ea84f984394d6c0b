//! Sets up the one store of this instance from the host's grants and variables.

use crate::clock::WallClock;
use crate::directory::WasiDirectory;
use crate::grant::{self, Complaint, complain};
use alloc::boxed::Box;
use alloc::string::String;
use core::str::FromStr;
use dir_cache::{Error, Store};
use once_cell::race::OnceBox;
use wasip2::cli::environment::get_environment;
use wasip2::filesystem::preopens::get_directories;
use wasip2::random::random::get_random_u64;

pub(super) type GuestStore = Store<WasiDirectory, WallClock>;

/// The store, and the guest's name for its directory.
pub(super) struct Setup {
    pub(super) store: GuestStore,
    root: String,
}

impl Setup {
    /// The setup of this instance. Until one succeeds, every call tries again, because a missing
    /// directory may appear later.
    pub(super) fn get() -> Result<&'static Self, Complaint> {
        static SETUP: OnceBox<Setup> = OnceBox::new();
        SETUP.get_or_try_init(|| Self::new().map(Box::new))
    }

    fn new() -> Result<Self, Complaint> {
        let environment = get_environment();
        let durability = parse(&environment, "CACHE_FSYNC", "`none`, `file` or `full`")?;
        let max_bytes = parse(
            &environment,
            "CACHE_MAX_BYTES",
            "a number, in digits, from 4096",
        )?;
        let cache_dir = variable(&environment, "CACHE_DIR");
        let place = grant::find(cache_dir, get_directories())?;

        let opened = WasiDirectory::open(place.grant, &place.below)
            .map_err(Error::from)
            .and_then(|directory| {
                let durability = durability.unwrap_or_default();
                Store::open(directory, WallClock, durability, get_random_u64())
            });
        let mut store =
            opened.map_err(|error| complaint(&error, &place.name).unwrap_or_default())?;
        if let Some(max_bytes) = max_bytes {
            store = store.bounded(max_bytes);
        }
        Ok(Self {
            store,
            root: place.name,
        })
    }

    /// The message for the user about a failed call, if the user can fix the cause.
    pub(super) fn complaint(&self, error: &Error) -> Option<Complaint> {
        complaint(error, &self.root)
    }
}

/// The value of a variable; an empty one counts as unset.
fn variable<'a>(environment: &'a [(String, String)], wanted: &str) -> Option<&'a str> {
    let mut pairs = environment.iter();
    let set = pairs.find(|(name, value)| name == wanted && !value.is_empty());
    set.map(|(_, value)| value.as_str())
}

fn parse<T: FromStr>(
    environment: &[(String, String)],
    name: &str,
    accepted: &str,
) -> Result<Option<T>, Complaint> {
    let Some(text) = variable(environment, name) else {
        return Ok(None);
    };
    text.parse().map(Some).map_err(|_| {
        complain(&[
            "`",
            name,
            "=",
            text,
            "` is not a valid value; set it to ",
            accepted,
        ])
    })
}

fn complaint(error: &Error, root: &str) -> Option<Complaint> {
    match error {
        Error::NewerFormat { directory } => Some(complain(&[
            "`",
            root.trim_end_matches('/'),
            "/",
            directory,
            "` was written by a newer version of this cache; use that, or another directory",
        ])),
        Error::Directory(_) => Some(complain(&[
            "failed to use `",
            root,
            "`; grant a directory that exists, can be read and written, and has room",
        ])),
        _ => None,
    }
}
