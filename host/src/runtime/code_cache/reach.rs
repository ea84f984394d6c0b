//! Grants through which a guest could replace compiled code.

use super::CodeCache;
use crate::{names::part::PartName, sandbox::parts::Sandboxes, untrusted::Name};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// A grant through which a guest could replace compiled code, which would then run outside of every
/// sandbox.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[error(
    "directory `{}` cannot be granted to {} to write: from there it could replace the compiled code in `{}`, which later runs execute; grant another directory, or this one to read only", Name(.grant.display()), name_of(.plug), Name(.cache.display())
)]
pub struct CodeCacheReached {
    /// The directory of the grant.
    pub grant: PathBuf,
    /// The plug that would receive the grant; `None` for the consumer.
    pub plug: Option<PartName>,
    /// The directory of the code cache.
    pub cache: PathBuf,
}

impl CodeCache {
    /// Refuses sandboxes in which a guest could replace compiled code: those that grant write access to
    /// a directory on the path of this one, to this one, or to a directory inside it.
    ///
    /// An embedder calls this before each run of a guest, also before runs that do not use the code
    /// cache: code that a guest writes here would be executed by a later run. Directories are compared
    /// by device and inode, not by path. A second mount of this directory is noticed if the grant is
    /// that mount or a directory above it, but not if this directory itself was opened through the
    /// second mount.
    pub fn refuse_reaching(&self, sandboxes: &Sandboxes) -> Result<(), CodeCacheReached> {
        // A directory that cannot be opened here cannot be granted either.
        let reaches = |grant: &Path| self.directory.is_reached_from(grant).unwrap_or(false);
        refuse(&self.path, sandboxes, reaches)
    }

    /// Like [`refuse_reaching`](Self::refuse_reaching), for the path of a code cache that is not open,
    /// but that a later run may use. Resolved paths are compared.
    pub fn refuse_reaching_path(
        directory: &Path,
        sandboxes: &Sandboxes,
    ) -> Result<(), CodeCacheReached> {
        let Ok(resolved) = fs::canonicalize(directory) else {
            return Ok(());
        };
        let reaches = |grant: &Path| {
            fs::canonicalize(grant)
                .is_ok_and(|grant| resolved.starts_with(&grant) || grant.starts_with(&resolved))
        };
        refuse(directory, sandboxes, reaches)
    }
}

fn refuse(
    cache: &Path,
    sandboxes: &Sandboxes,
    reaches: impl Fn(&Path) -> bool,
) -> Result<(), CodeCacheReached> {
    let plugs = sandboxes.plugs.iter();
    let parts = std::iter::once((None, &sandboxes.consumer))
        .chain(plugs.map(|(plug, sandbox)| (Some(plug), sandbox)));
    for (plug, sandbox) in parts {
        if let Some(grant) = sandbox.writable_directories().find(|grant| reaches(grant)) {
            return Err(CodeCacheReached {
                grant: grant.to_owned(),
                plug: plug.cloned(),
                cache: cache.to_owned(),
            });
        }
    }
    Ok(())
}

fn name_of(plug: &Option<PartName>) -> String {
    match plug {
        Some(plug) => format!("plug `{plug}`"),
        None => "the consumer".to_owned(),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::sandbox::{Sandbox, preopen::Preopen};

    #[test]
    fn a_grant_that_reaches_it_is_refused_to_any_part() {
        let root = tempfile::tempdir().expect("a directory");
        let cache = CodeCache::open(root.path().join("cache")).expect("a directory of our own");
        let above = root.path();
        let plug: PartName = "plug".parse().expect("a name");
        let refused = |consumer: Sandbox, of_plug: Sandbox| {
            let sandboxes = Sandboxes::new(consumer).plug(plug.clone(), of_plug);
            let refused = cache.refuse_reaching(&sandboxes);
            refused.err().map(|reached| (reached.plug, reached.grant))
        };
        let nothing = Sandbox::new;
        let grant = |preopen| Sandbox::new().preopen(preopen);
        let writing = || grant(Preopen::read_write(above, "/d"));
        assert_eq!(refused(nothing(), nothing()), None);
        assert_eq!(
            refused(writing(), nothing()),
            Some((None, above.to_owned()))
        );
        assert_eq!(
            refused(nothing(), writing()),
            Some((Some(plug.clone()), above.to_owned()))
        );
        assert_eq!(
            refused(grant(Preopen::read_only(above, "/d")), nothing()),
            None
        );
        let missing = Preopen::read_write(above.join("missing"), "/d");
        assert_eq!(refused(grant(missing), nothing()), None);
    }
}
