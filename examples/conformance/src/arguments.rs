//! The command line.

use std::hash::{BuildHasher, RandomState};
use std::str::FromStr;

pub const HELP: &str = "\
Checks the cache behind `toolkit:cache/cache` and prints one line a check.

  --seed N          what the keys, values and the random program are made from
                    [default: a random one, which is printed]
  --size N          operations of the random program, and number of entries
                    where there are many [default: 5000]
  --max-value SIZE  largest value; 64MiB works in every cache [default: 64MiB]
  --only TEXT       run only the checks that have TEXT in their name
  --list            print the names of the checks
  --help            print this
";

/// The action that the arguments ask for.
#[derive(Debug)]
pub struct Arguments {
    pub task: Task,
    pub settings: Settings,
}

#[derive(Debug)]
pub enum Task {
    Check { only: Option<String> },
    List,
    Help,
}

/// The settings of the checks.
#[derive(Debug)]
pub struct Settings {
    pub seed: u64,
    pub size: usize,
    pub max_value: usize,
}

impl Arguments {
    /// Parses the arguments. An error names the wrong one and the correct form.
    pub fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut task = Task::Check { only: None };
        let mut settings = Settings {
            seed: random_seed(),
            size: 5_000,
            max_value: 64 << 20,
        };
        while let Some(argument) = arguments.next() {
            let mut value = || {
                let missing = || format!("`{argument}` needs a value; `--help` shows it");
                arguments.next().ok_or_else(missing)
            };
            match argument.as_str() {
                "--seed" => settings.seed = number("--seed", &value()?)?,
                "--size" => settings.size = number("--size", &value()?)?,
                "--max-value" => settings.max_value = size("--max-value", &value()?)?,
                "--only" => {
                    task = Task::Check {
                        only: Some(value()?),
                    }
                }
                "--list" => task = Task::List,
                "--help" | "-h" => task = Task::Help,
                _ => {
                    return Err(format!(
                        "there is no `{argument}`; `--help` shows what there is"
                    ));
                }
            }
        }
        Ok(Self { task, settings })
    }
}

fn number<N: FromStr>(name: &str, text: &str) -> Result<N, String> {
    text.parse()
        .map_err(|_| format!("`{name} {text}` is not a number; write digits, as in `{name} 42`"))
}

/// A number of bytes, with the units `KiB` and `MiB`.
fn size(name: &str, text: &str) -> Result<usize, String> {
    let (digits, unit) = if let Some(digits) = text.strip_suffix("MiB") {
        (digits, 1 << 20)
    } else if let Some(digits) = text.strip_suffix("KiB") {
        (digits, 1 << 10)
    } else {
        (text, 1)
    };
    let bytes = digits
        .parse()
        .ok()
        .and_then(|count: usize| count.checked_mul(unit));
    bytes.ok_or_else(|| format!("`{name} {text}` is not a size; write it as in `{name} 64MiB`"))
}

/// Short enough to be typed again.
fn random_seed() -> u64 {
    // The standard library has no other source of randomness.
    RandomState::new().hash_one(()) % 1_000_000
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Arguments, String> {
        Arguments::parse(arguments.iter().map(|argument| (*argument).to_owned()))
    }

    #[test]
    fn numbers_and_sizes_are_read() {
        let arguments = ["--seed", "7", "--size", "12", "--max-value", "4MiB"];
        let settings = parse(&arguments).expect("they are right").settings;
        assert_eq!(
            (settings.seed, settings.size, settings.max_value),
            (7, 12, 4 << 20)
        );
    }

    #[test]
    fn mistakes_are_named() {
        for (arguments, message) in [
            (
                vec!["--sed", "7"],
                "there is no `--sed`; `--help` shows what there is",
            ),
            (vec!["--seed"], "`--seed` needs a value; `--help` shows it"),
            (
                vec!["--seed", "x"],
                "`--seed x` is not a number; write digits, as in `--seed 42`",
            ),
            (
                vec!["--max-value", "64MB"],
                "`--max-value 64MB` is not a size; write it as in `--max-value 64MiB`",
            ),
        ] {
            assert_eq!(parse(&arguments).expect_err("it is wrong"), message);
        }
    }
}
