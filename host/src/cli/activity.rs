//! What the command is doing, for whoever has to end it.

use std::{
    fmt,
    path::Path,
    sync::{OnceLock, PoisonError, RwLock},
};
use wit_host::untrusted::Name;

/// A phase of the work.
#[derive(Clone, Copy)]
pub struct Activity {
    /// What is done, as a verb.
    verb: &'static str,
    /// The file that it is done to.
    file: Option<&'static str>,
}

static CURRENT: RwLock<Option<Activity>> = RwLock::new(None);

/// The file that the command was given first.
static SUBJECT: OnceLock<&'static str> = OnceLock::new();

impl Activity {
    /// Names the file that activities are about where nothing else is said.
    pub fn set_subject(file: &Path) {
        SUBJECT.get_or_init(|| shown(file));
    }

    /// From here on this is done to what the command was given.
    pub fn begin(verb: &'static str) {
        let file = SUBJECT.get().copied();
        publish(Self { verb, file });
    }

    /// The same, done to one file of several. Its name is kept for ever.
    pub fn begin_with(verb: &'static str, file: &Path) {
        let file = Some(shown(file));
        publish(Self { verb, file });
    }

    /// What is being done, if it can be told without waiting.
    pub fn current() -> Option<Self> {
        *CURRENT.try_read().ok()?
    }
}

fn publish(activity: Activity) {
    *CURRENT.write().unwrap_or_else(PoisonError::into_inner) = Some(activity);
}

/// A path as it is shown, which is kept for ever.
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
