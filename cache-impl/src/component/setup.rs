//! From what the host granted and set to the one store of this instance.

use crate::clock::WallClock;
use crate::directory::WasiDirectory;
use crate::durability::Durability;
use crate::grant::{self, Complaint};
use crate::store::{Error, Store};
use alloc::boxed::Box;
use alloc::string::String;
use once_cell::race::OnceBox;
use wasip2::cli::environment::get_environment;
use wasip2::filesystem::preopens::get_directories;
use wasip2::random::random::get_random_u64;

pub(super) type GuestStore = Store<WasiDirectory, WallClock>;

/// The store, and what the guest calls its directory.
pub(super) struct Setup {
    pub(super) store: GuestStore,
    root: String,
}

impl Setup {
    /// The setup of this instance. Until one succeeds, every call tries again: what is missing
    /// may come.
    pub(super) fn get() -> Result<&'static Self, Complaint> {
        static SETUP: OnceBox<Setup> = OnceBox::new();
        SETUP.get_or_try_init(|| Self::new().map(Box::new))
    }

    fn new() -> Result<Self, Complaint> {
        let environment = get_environment();
        let variable = |wanted| {
            let mut pairs = environment.iter();
            let set = pairs.find(|(name, value)| name == wanted && !value.is_empty());
            set.map(|(_, value)| value.as_str())
        };
        let durability = durability(variable("CACHE_FSYNC"))?;
        let place = grant::find(variable("CACHE_DIR"), get_directories())?;

        let opened = WasiDirectory::open(place.grant, &place.below)
            .map_err(Error::from)
            .and_then(|directory| Store::open(directory, WallClock, durability, get_random_u64()));
        match opened {
            Ok(store) => Ok(Self {
                store,
                root: place.name,
            }),
            Err(error) => {
                Err(complaint(&error, &place.name).unwrap_or_else(|| unusable(&place.name)))
            }
        }
    }

    /// What to tell the user about a failed call, if it is for the user to mend.
    pub(super) fn complaint(&self, error: &Error) -> Option<Complaint> {
        complaint(error, &self.root)
    }
}

fn durability(variable: Option<&str>) -> Result<Durability, Complaint> {
    let Some(text) = variable else {
        return Ok(Durability::default());
    };
    text.parse().map_err(|_| {
        String::from_iter([
            "`CACHE_FSYNC=",
            text,
            "` is no mode; set it to `none`, `file` or `full`",
        ])
    })
}

fn complaint(error: &Error, root: &str) -> Option<Complaint> {
    let Error::NewerFormat { directory } = error else {
        return None;
    };
    let root = root.trim_end_matches('/');
    let advice = "` was written by a newer version of this cache; use that, or another directory";
    Some(String::from_iter(["`", root, "/", directory, advice]))
}

fn unusable(root: &str) -> Complaint {
    let advice = "`; grant a directory that exists and can be read and written";
    String::from_iter(["failed to open `", root, advice])
}
