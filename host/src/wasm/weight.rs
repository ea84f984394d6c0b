//! An estimate of the work to compile a binary, made before compiling it.
//!
//! The compiler follows every instantiation inside a component. A file of 3 KB whose components
//! instantiate each other ten times, eight levels deep, has a hundred million instances.
//!
//! The estimate gives an early, typed error for two kinds of input that are known to grow
//! exponentially. It is not a bound: other input can be expensive too, and an embedder bounds time and
//! memory by other means.

use crate::wasm::walk::sections;
use wasmparser::{
    ComponentAlias, ComponentExternalKind, ComponentInstance, ComponentInstantiationArg,
    ComponentOuterAliasKind, Payload,
};

/// The largest number of instances in a component. A component of an interpreted language has about
/// forty; a hundred thousand take a tenth of a second.
const MAX_INSTANCES: u64 = 100_000;
/// The largest number of functions in all core modules of a binary together. The largest
/// interpreters have some ten thousand; a million take a minute and 5 GB.
const MAX_FUNCTIONS: u64 = 250_000;

/// The numbers of instances and functions that compiling a binary would produce.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Weight {
    instances: u64,
    functions: u64,
}

/// The error for a binary that would take too much work to compile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it has {count} {what}, and at most {limit} are compiled")]
#[non_exhaustive]
pub struct TooHeavy {
    /// The kind of item that the binary has too many of: `instances` or `functions`.
    pub what: &'static str,
    /// The number of them; [`u64::MAX`] if it is not known or larger.
    pub count: u64,
    /// The largest number that is compiled.
    pub limit: u64,
}

/// Refuses a binary that would take the compiler minutes. The binary need not be valid.
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

/// The weight of a component, as a component that instantiates it counts it.
#[derive(Debug, Clone, Copy)]
enum Template {
    /// A component with a known definition. One instance of it counts `own` instances, plus
    /// `per_handed` times the instances of the heaviest component that is passed to it.
    Defined { own: u64, per_handed: u64 },
    /// A component that the enclosing component imports.
    Imported,
}

/// A component whose weight is not known counts as too heavy.
const UNKNOWN: Template = Template::Defined {
    own: u64::MAX,
    per_handed: 0,
};

/// A component that is being read: its index space of components, and its weight so far, as in
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

    /// Counts an instance of a component. A component that is passed to it inside an instance counts
    /// as `heaviest`.
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
                        // The components passed to `template` in turn are not known here.
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
            // The use that an imported component makes of a component is not known here.
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
        // The level of the binary itself is never popped.
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
                // Exporting a component adds it to the index space once more.
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
                        // Finding the component would mean following instances, so the heaviest is assumed.
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

/// The component at `index` of the level that is `count` levels outside the innermost one.
fn aliased_outside(levels: &[Level], count: u32, index: u32) -> Template {
    let outer = (count as usize)
        .checked_add(1)
        .and_then(|above| levels.len().checked_sub(above));
    match outer.map(|outer| levels[outer].component(index)) {
        // The outer component receives it, not this one; the counts do not distinguish the two.
        Some(Template::Imported) if count > 0 => UNKNOWN,
        Some(template) => template,
        None => UNKNOWN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Components that instantiate each other ten times, nested `levels` deep.
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
    fn counts_saturate_and_do_not_overflow() {
        let inner = nested_text(30);
        let one_more = "(core module $m) (core instance (instantiate $m))";
        let text = format!("(component {inner} (instance (instantiate $c30)) {one_more})");
        assert!(check(&wat::parse_str(text).expect("valid text")).is_err());
    }

    #[test]
    fn an_alias_is_as_heavy_as_its_component() {
        let outer = wat::parse_str(
            "(component $top
               (component $a (core module $m) (core instance (instantiate $m)) (core instance (instantiate $m)))
               (component $b (alias outer $top $a (component $x)) (instance (instantiate $x)))
               (instance (instantiate $b)))",
        );
        assert_eq!(weigh(&outer.expect("valid text")).instances, 4);
    }

    #[test]
    fn an_imported_component_is_as_heavy_as_its_argument() {
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
    fn passing_a_component_to_an_imported_component_is_refused() {
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
