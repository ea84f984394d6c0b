//! The sandboxes of all parts of a program.

use super::{Sandbox, error::SandboxError, open::FileOperations};
use crate::names::part::PartName;
use std::collections::BTreeMap;

/// The sandboxes of all parts of a program.
///
/// A plug for which no sandbox is set here has an empty one. A sandbox for a plug that the program does
/// not have is an error of [`Plan::new`](crate::Plan::new),
/// [`Program::expect_grants`](crate::Program::expect_grants) and
/// [`Program::instantiate`](crate::Program::instantiate).
///
/// ```
/// use wit_host::{Preopen, Sandbox, Sandboxes};
///
/// let store = Sandbox::new().preopen(Preopen::read_write("./store", "/cache"));
/// let sandboxes = Sandboxes::new(Sandbox::new().inherit_stdout()).plug("cache".parse()?, store);
/// assert!(sandboxes.grant_writing());
/// assert!(sandboxes.expect_plugs_of(&["consumer".parse()?, "cash".parse()?]).is_err());
/// # Ok::<(), wit_host::InvalidPartName>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Sandboxes {
    pub(crate) consumer: Sandbox,
    pub(crate) plugs: BTreeMap<PartName, Sandbox>,
    pub(crate) file_operations: FileOperations,
}

impl Sandboxes {
    /// Sets the sandbox of the consumer, which is the component or core module that runs. Plugs have
    /// none yet.
    pub fn new(consumer: Sandbox) -> Self {
        Self {
            consumer,
            ..Self::default()
        }
    }

    /// Sets the sandbox of a plug, or replaces the earlier one.
    #[must_use]
    pub fn plug(mut self, name: PartName, sandbox: Sandbox) -> Self {
        self.plugs.insert(name, sandbox);
        self
    }

    /// Chooses the threads that file operations of all parts block.
    #[must_use]
    pub fn file_operations(mut self, file_operations: FileOperations) -> Self {
        self.file_operations = file_operations;
        self
    }

    /// `true` if any part has a granted directory in which it can make, change or remove files.
    pub fn grant_writing(&self) -> bool {
        std::iter::once(&self.consumer)
            .chain(self.plugs.values())
            .any(|sandbox| sandbox.writable_directories().next().is_some())
    }

    /// Fails with [`NoSuchPlug`](SandboxError::NoSuchPlug) if there is a sandbox for a plug that is not
    /// among `parts`, the names of the parts of a program: the consumer's, then the plugs'.
    pub fn expect_plugs_of(&self, parts: &[PartName]) -> Result<(), SandboxError> {
        let plugs = parts.get(1..).unwrap_or_default();
        match self.plugs.keys().find(|name| !plugs.contains(name)) {
            None => Ok(()),
            Some(name) => Err(SandboxError::NoSuchPlug {
                name: name.clone(),
                plugs: plugs.to_vec(),
            }),
        }
    }

    /// The largest number of directories that are granted to one part.
    pub(crate) fn most_directories(&self) -> usize {
        let plugs = self.plugs.values();
        let counts = plugs.map(|sandbox| sandbox.preopens.len());
        counts.fold(self.consumer.preopens.len(), usize::max)
    }
}
