//! How much work a binary would be to compile, told before any of it is done.
//!
//! Compiling follows every instantiation inside a component, so a file of 3 KB whose components
//! instantiate each other ten times over, eight levels deep, would be a hundred million instances.
//!
//! It is an early and typed error for what is known to grow beyond all measure. It is no bound: other
//! things are much work too, and those who embed this bound time and memory themselves.

use crate::wasm::walk::sections;
use wasmparser::{
    ComponentAlias, ComponentExternalKind, ComponentInstance, ComponentInstantiationArg,
    ComponentOuterAliasKind, Payload,
};

/// Instances that a component may come to. One of an interpreted language comes to about forty, and
/// a hundred thousand take a tenth of a second.
const MAX_INSTANCES: u64 = 100_000;
/// Functions that all core modules of a binary may have together. The largest interpreters have
/// some ten thousand; a million take a minute and 5 GB.
const MAX_FUNCTIONS: u64 = 250_000;

/// What a binary would come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Weight {
    instances: u64,
    functions: u64,
}

/// A binary that is too much to compile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it would be {count} {what}, and {limit} are allowed")]
pub struct TooHeavy {
    what: &'static str,
    count: u64,
    limit: u64,
}

/// Refuses what would take the compiler minutes. The binary need not be valid.
pub(crate) fn check(binary: &[u8]) -> Result<(), TooHeavy> {
    let Weight {
        instances,
        functions,
    } = weigh(binary);
    let checks = [
        ("instances", instances, MAX_INSTANCES),
        ("functions", functions, MAX_FUNCTIONS),
    ];
    for (what, count, limit) in checks {
        if count > limit {
            return Err(TooHeavy { what, count, limit });
        }
    }
    Ok(())
}

/// A component as those see it that instantiate it.
#[derive(Debug, Clone, Copy)]
enum Template {
    /// One that is defined here: what one instance of it comes to, of itself and for each instance
    /// that the heaviest component that it is handed comes to.
    Defined { own: u64, per_handed: u64 },
    /// One that is handed in by whoever instantiates this one.
    Imported,
}

/// Where what a component comes to cannot be told, it is too much.
const UNKNOWN: Template = Template::Defined {
    own: u64::MAX,
    per_handed: 0,
};

/// A component that is being read: its index space of components, and what it comes to so far, as in
/// [`Template::Defined`].
#[derive(Default)]
struct Level {
    components: Vec<Template>,
    own: u64,
    per_handed: u64,
}

impl Level {
    fn add(&mut self, own: u64, per_handed: u64) {
        self.own = self.own.saturating_add(own);
        self.per_handed = self.per_handed.saturating_add(per_handed);
    }

    fn component(&self, index: u32) -> Template {
        let component = self.components.get(index as usize);
        component.copied().unwrap_or(UNKNOWN)
    }

    /// Counts an instance of a component. What is handed to it inside of an instance is taken for
    /// `heaviest`.
    fn instantiate(&mut self, component: u32, args: &[ComponentInstantiationArg], heaviest: u64) {
        self.add(1, 0);
        let handed = args.iter().filter_map(|arg| match arg.kind {
            ComponentExternalKind::Component => Some(self.component(arg.index)),
            ComponentExternalKind::Instance => Some(Template::Defined {
                own: heaviest,
                per_handed: 0,
            }),
            _ => None,
        });
        match self.component(component) {
            Template::Defined { own, per_handed } => {
                let mut most = (0, 0);
                for template in handed {
                    most = match template {
                        Template::Imported => (most.0, 1),
                        // What it is handed in turn is not known here.
                        Template::Defined { own, per_handed: 0 } => (most.0.max(own), most.1),
                        Template::Defined { .. } => (u64::MAX, most.1),
                    };
                }
                self.add(own, 0);
                self.add(
                    per_handed.saturating_mul(most.0),
                    per_handed.saturating_mul(most.1),
                );
            }
            // What it does with a component is not known here.
            Template::Imported
                if args
                    .iter()
                    .any(|arg| arg.kind == ComponentExternalKind::Component) =>
            {
                self.add(u64::MAX, 0);
            }
            Template::Imported => self.add(0, 1),
        }
    }
}

fn weigh(binary: &[u8]) -> Weight {
    let mut functions = 0;
    let mut heaviest = 1;
    let mut levels = vec![Level::default()];
    let mut open_modules = 0;
    for payload in sections(binary).map_while(Result::ok) {
        let depth = levels.len();
        // There is a level for the binary itself, which is never popped.
        let Some(level) = levels.last_mut() else {
            break;
        };
        match payload {
            Payload::FunctionSection(section) => {
                functions = u64::saturating_add(functions, section.count().into());
            }
            Payload::ModuleSection { .. } => open_modules += 1,
            Payload::ComponentSection { .. } => levels.push(Level::default()),
            Payload::End(_) if open_modules > 0 => open_modules -= 1,
            Payload::End(_) if depth > 1 => {
                let (own, per_handed) = (level.own, level.per_handed);
                heaviest = match per_handed {
                    0 => heaviest.max(own),
                    _ => u64::MAX,
                };
                levels.pop();
                if let Some(outer) = levels.last_mut() {
                    outer.components.push(Template::Defined { own, per_handed });
                }
            }
            Payload::InstanceSection(section) => level.add(section.count().into(), 0),
            Payload::ComponentInstanceSection(section) => {
                for instance in section.into_iter().flatten() {
                    match instance {
                        ComponentInstance::Instantiate {
                            component_index,
                            args,
                        } => level.instantiate(component_index, &args, heaviest),
                        ComponentInstance::FromExports(_) => level.add(1, 0),
                    }
                }
            }
            Payload::ComponentImportSection(section) => {
                let is_component = |ty| matches!(ty, wasmparser::ComponentTypeRef::Component(_));
                let imported = section
                    .into_iter()
                    .flatten()
                    .filter(|import| is_component(import.ty));
                level
                    .components
                    .extend(imported.map(|_| Template::Imported));
            }
            Payload::ComponentExportSection(section) => {
                // What is exported is in the index space once more.
                for export in section.into_iter().flatten() {
                    if export.kind == ComponentExternalKind::Component {
                        let exported = level.component(export.index);
                        level.components.push(exported);
                    }
                }
            }
            Payload::ComponentAliasSection(section) => {
                for alias in section.into_iter().flatten() {
                    let aliased = match alias {
                        ComponentAlias::Outer {
                            kind: ComponentOuterAliasKind::Component,
                            count,
                            index,
                        } => aliased_outside(&levels, count, index),
                        // Which one it is would take following instances; at worst the heaviest.
                        ComponentAlias::InstanceExport {
                            kind: ComponentExternalKind::Component,
                            ..
                        } => Template::Defined {
                            own: heaviest,
                            per_handed: 0,
                        },
                        _ => continue,
                    };
                    if let Some(level) = levels.last_mut() {
                        level.components.push(aliased);
                    }
                }
            }
            _ => {}
        }
    }
    Weight {
        instances: levels.first().map_or(0, |level| level.own),
        functions,
    }
}

/// A component of the level that is so many outside of the last one.
fn aliased_outside(levels: &[Level], count: u32, index: u32) -> Template {
    let outer = (count as usize)
        .checked_add(1)
        .and_then(|above| levels.len().checked_sub(above));
    match outer.map(|outer| levels[outer].component(index)) {
        // It is handed to another one than this, which the counts do not tell apart.
        Some(Template::Imported) if count > 0 => UNKNOWN,
        Some(template) => template,
        None => UNKNOWN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Components that instantiate each other ten times over, so many levels deep.
    fn nested(levels: usize) -> Vec<u8> {
        wat::parse_str(nested_text(levels)).expect("valid text")
    }

    fn nested_text(levels: usize) -> String {
        let ten = |text: String| text.repeat(10);
        let mut component = format!(
            "(component $c0 (core module $m (func)) {})",
            ten("(core instance (instantiate $m))".to_owned())
        );
        for level in 1..=levels {
            let inner = level - 1;
            let instances = ten(format!("(instance (instantiate $c{inner}))"));
            component = format!("(component $c{level} {component} {instances})");
        }
        component
    }

    #[test]
    fn instances_are_counted_through_all_levels() {
        assert_eq!(
            weigh(&nested(0)),
            Weight {
                instances: 10,
                functions: 1
            }
        );
        assert_eq!(weigh(&nested(1)).instances, 110);
        assert_eq!(weigh(&nested(3)).instances, 11_110);
        assert!(check(&nested(3)).is_ok());
        assert!(check(&nested(8)).is_err());
        assert!(check(&nested(30)).is_err());
    }

    #[test]
    fn what_comes_after_too_many_to_count_makes_it_no_lighter() {
        let inner = nested_text(30);
        let one_more = "(core module $m) (core instance (instantiate $m))";
        let text = format!("(component {inner} (instance (instantiate $c30)) {one_more})");
        assert!(check(&wat::parse_str(text).expect("valid text")).is_err());
    }

    #[test]
    fn an_alias_is_as_heavy_as_what_it_stands_for() {
        let outer = wat::parse_str(
            "(component $top
               (component $a (core module $m) (core instance (instantiate $m)) (core instance (instantiate $m)))
               (component $b (alias outer $top $a (component $x)) (instance (instantiate $x)))
               (instance (instantiate $b)))",
        );
        assert_eq!(weigh(&outer.expect("valid text")).instances, 4);
    }

    #[test]
    fn an_imported_component_is_as_heavy_as_what_is_handed_in() {
        let two =
            "(core module $m) (core instance (instantiate $m)) (core instance (instantiate $m))";
        let ten = "(instance (instantiate $x))".repeat(10);
        let text = format!(
            "(component
               (component $two {two})
               (component $ten (import \"x\" (component $x)) {ten})
               (component $hundred (import \"x\" (component $y))
                 (component $ten (import \"x\" (component $x)) {ten})
                 {})
               (instance (instantiate $ten (with \"x\" (component $two))))
               (instance (instantiate $hundred (with \"x\" (component $two)))))",
            "(instance (instantiate $ten (with \"x\" (component $y))))".repeat(10),
        );
        // Each instance of a component counts, and the two core instances in each `$two`.
        let (ten, hundred) = (1 + 10 + 20, 1 + 10 + 100 + 200);
        assert_eq!(
            weigh(&wat::parse_str(text).expect("valid text")).instances,
            ten + hundred
        );
    }

    #[test]
    fn what_an_imported_component_is_handed_is_refused() {
        let text = "(component
               (component $top
                 (import \"x\" (component $x (import \"y\" (component))))
                 (component $c)
                 (instance (instantiate $x (with \"y\" (component $c)))))
               (component $y (import \"y\" (component $y)) (instance (instantiate $y)))
               (instance (instantiate $top (with \"x\" (component $y)))))";
        assert!(check(&wat::parse_str(text).expect("valid text")).is_err());
    }
}
