//! How much work a binary would be to compile, told before any of it is done.
//!
//! Compiling follows every instantiation inside a component, so a file of 3 KB whose components
//! instantiate each other ten times over, eight levels deep, would be a hundred million instances.

use wasmparser::{
    ComponentAlias, ComponentExternalKind, ComponentInstance, ComponentOuterAliasKind, Parser,
    Payload,
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

/// A component that is being read: its index space of components, each with the instances that
/// one instance of it comes to, and what it comes to itself so far.
#[derive(Default)]
struct Level {
    components: Vec<u64>,
    instances: u64,
}

fn weigh(binary: &[u8]) -> Weight {
    let mut functions = 0;
    let mut heaviest = 1;
    let mut levels = vec![Level::default()];
    let mut open_modules = 0;
    for payload in Parser::new(0).parse_all(binary).map_while(Result::ok) {
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
                let instances = level.instances;
                heaviest = heaviest.max(instances);
                levels.pop();
                if let Some(outer) = levels.last_mut() {
                    outer.components.push(instances);
                }
            }
            Payload::InstanceSection(section) => {
                level.instances = level.instances.saturating_add(section.count().into());
            }
            Payload::ComponentInstanceSection(section) => {
                for instance in section.into_iter().flatten() {
                    let inside = match instance {
                        ComponentInstance::Instantiate {
                            component_index, ..
                        } => level
                            .components
                            .get(component_index as usize)
                            .copied()
                            .unwrap_or(heaviest),
                        ComponentInstance::FromExports(_) => 0,
                    };
                    level.instances = level.instances.saturating_add(inside).saturating_add(1);
                }
            }
            Payload::ComponentImportSection(section) => {
                let is_component = |ty| matches!(ty, wasmparser::ComponentTypeRef::Component(_));
                let imported = section
                    .into_iter()
                    .flatten()
                    .filter(|import| is_component(import.ty));
                level.components.extend(imported.map(|_| 1));
            }
            Payload::ComponentAliasSection(section) => {
                for alias in section.into_iter().flatten() {
                    let aliased = match alias {
                        ComponentAlias::Outer {
                            kind: ComponentOuterAliasKind::Component,
                            count,
                            index,
                        } => (count as usize)
                            .checked_add(1)
                            .and_then(|above| depth.checked_sub(above))
                            .and_then(|outer| levels[outer].components.get(index as usize).copied())
                            .unwrap_or(heaviest),
                        // Which one it is would take following instances; at worst the heaviest.
                        ComponentAlias::InstanceExport {
                            kind: ComponentExternalKind::Component,
                            ..
                        } => heaviest,
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
        instances: levels.first().map_or(0, |level| level.instances),
        functions,
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
}
