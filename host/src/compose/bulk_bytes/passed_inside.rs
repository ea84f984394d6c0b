//! Functions that a part passes to components inside it, which can then call them.

use super::spaces::{Function, Instance, Spaces};
use std::{
    collections::{BTreeSet, HashSet},
    rc::Rc,
};
use wasmparser::{ComponentExternalKind, ComponentInstance};

/// The items of imported interfaces that components inside a part get as arguments, by their numbers in [`Spaces`].
#[derive(Default)]
pub(super) struct PassedInside {
    pub(super) functions: BTreeSet<usize>,
    /// The interfaces that are passed as a whole.
    pub(super) interfaces: BTreeSet<usize>,
    /// The instances of items of the part that were passed. Each is looked through once.
    passed: HashSet<*const ()>,
}

impl PassedInside {
    /// Adds the arguments of an instance.
    pub(super) fn add(&mut self, instance: &ComponentInstance<'_>, spaces: &Spaces<'_>) {
        let ComponentInstance::Instantiate { args, .. } = instance else {
            return;
        };
        for argument in args {
            match argument.kind {
                ComponentExternalKind::Func => self.function(argument.index, spaces),
                ComponentExternalKind::Instance => {
                    let instance = spaces.instance(argument.index);
                    match &*instance {
                        Instance::Import(interface) => {
                            self.interfaces.insert(*interface);
                        }
                        Instance::Exports(functions)
                            if self.passed.insert(Rc::as_ptr(&instance).cast()) =>
                        {
                            for index in functions.values() {
                                self.function(*index, spaces);
                            }
                        }
                        _ => {}
                    }
                }
                _ => {}
            }
        }
    }

    fn function(&mut self, index: u32, spaces: &Spaces<'_>) {
        if let Function::Import(imported) = spaces.function(index) {
            self.functions.insert(imported);
        }
    }
}
