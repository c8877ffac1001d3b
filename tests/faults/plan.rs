//! What is to be tried, as the command line says.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// How much is tried.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Effort {
    Full,
    Quick,
}

/// What is to be tried.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) effort: Effort,
    pub(crate) seed: u64,
    /// The groups that were named; all if none was.
    groups: Vec<String>,
    /// The only failure to cause: `GROUP:POINT`.
    repeat: Option<(String, String)>,
}

impl Plan {
    /// Reads the command line.
    pub(crate) fn read(arguments: &[String], known_groups: &[&str]) -> Result<Self, String> {
        let mut plan = Self { effort: Effort::Full, seed: 1, groups: Vec::new(), repeat: None };
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("`{argument}` needs a value"));
            match argument.as_str() {
                "--bench" => {}
                "--quick" => plan.effort = Effort::Quick,
                "--seed" => {
                    let text = value()?;
                    plan.seed = text.parse().map_err(|_| format!("`{text}` is not a seed"))?;
                }
                "--repeat" => {
                    let text = value()?;
                    let (group, point) =
                        text.split_once(':').ok_or(format!("`{text}` is not GROUP:POINT"))?;
                    plan.groups.push(group.to_owned());
                    plan.repeat = Some((group.to_owned(), point.to_owned()));
                }
                group => plan.groups.push(group.to_owned()),
            }
        }
        match plan.groups.iter().find(|group| !known_groups.contains(&group.as_str())) {
            Some(group) => Err(format!("there is no group `{group}`; there are {}", known_groups.join(", "))),
            None => Ok(plan),
        }
    }

    /// Tells whether a group is to be run.
    pub(crate) fn includes(&self, group: &str) -> bool {
        self.groups.is_empty() || self.groups.iter().any(|name| name == group)
    }

    /// Returns the only point to try in this group, if there is only one.
    pub(crate) fn only_point(&self, group: &str) -> Option<&str> {
        self.repeat.as_ref().filter(|(name, _)| name == group).map(|(_, point)| point.as_str())
    }

    /// Returns `full` or `quick`.
    pub(crate) const fn count(&self, full: usize, quick: usize) -> usize {
        match self.effort {
            Effort::Full => full,
            Effort::Quick => quick,
        }
    }

    /// Returns random numbers for a group: the same for each seed, whatever other groups do.
    pub(crate) fn random(&self, group: &str) -> ChaCha8Rng {
        let name =
            group.bytes().fold(0, |sum: u64, byte| sum.wrapping_mul(257).wrapping_add(u64::from(byte)));
        ChaCha8Rng::seed_from_u64(self.seed ^ name)
    }
}
