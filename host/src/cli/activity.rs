//! The work that the command is doing, for the message of the code that ends the process.

use std::{
    fmt,
    path::Path,
    sync::{OnceLock, PoisonError, RwLock},
};
use wit_host::untrusted::Name;

/// A phase of the work.
#[derive(Clone, Copy)]
pub struct Activity {
    /// A verb, such as `compile`.
    verb: &'static str,
    /// The file that is worked on.
    file: Option<&'static str>,
}

static CURRENT: RwLock<Option<Activity>> = RwLock::new(None);

/// The first file of the command line.
static SUBJECT: OnceLock<&'static str> = OnceLock::new();

impl Activity {
    /// Sets the file of the activities that [`begin`](Self::begin) starts.
    pub fn set_subject(file: &Path) {
        SUBJECT.get_or_init(|| shown(file));
    }

    /// Starts an activity on the first file of the command line.
    pub fn begin(verb: &'static str) {
        let file = SUBJECT.get().copied();
        publish(Self { verb, file });
    }

    /// Starts an activity on a file. Its name is never freed.
    pub fn begin_with(verb: &'static str, file: &Path) {
        let file = Some(shown(file));
        publish(Self { verb, file });
    }

    /// The current activity, if it can be read without waiting for a lock.
    pub fn current() -> Option<Self> {
        *CURRENT.try_read().ok()?
    }
}

fn publish(activity: Activity) {
    *CURRENT.write().unwrap_or_else(PoisonError::into_inner) = Some(activity);
}

/// The escaped path. It is never freed.
fn shown(path: &Path) -> &'static str {
    String::leak(Name(path.display()).to_string())
}

impl fmt::Display for Activity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.verb)?;
        match self.file {
            Some(file) => write!(f, " `{file}`"),
            None => Ok(()),
        }
    }
}
