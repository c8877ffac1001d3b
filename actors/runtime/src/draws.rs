//! Seeded chance: one stream per (seed, agent, turn, step).

use playhouse_messages::Draws;
use playhouse_types::{AgentName, Step, TurnId};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

/// A ChaCha8 stream whose key is BLAKE3 of what it belongs to, so that adding an agent shifts nobody else's draws.
#[derive(Debug)]
pub struct KeyedDraws(ChaCha8Rng);

impl KeyedDraws {
    /// Makes the stream of one step.
    #[must_use]
    pub fn new(seed: u64, agent: &AgentName, turn: TurnId, step: Step) -> Self {
        Self::named(seed, agent.as_str(), &[turn.0, step.0])
    }

    /// Makes the stream of a named component.
    #[must_use]
    pub fn named(seed: u64, name: &str, position: &[u32]) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"playhouse draws v1").update(&seed.to_le_bytes());
        hasher.update(&(name.len() as u64).to_le_bytes()).update(name.as_bytes());
        for part in position {
            hasher.update(&part.to_le_bytes());
        }
        Self(ChaCha8Rng::from_seed(*hasher.finalize().as_bytes()))
    }
}

impl Draws for KeyedDraws {
    fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }
}

#[cfg(test)]
mod tests {
    use super::KeyedDraws;
    use playhouse_messages::Draws;
    use playhouse_types::{AgentName, Step, TurnId};

    #[test]
    fn a_stream_depends_on_seed_agent_turn_and_step_and_on_nothing_else() {
        let draw = |seed, agent: &str, turn, step| {
            KeyedDraws::new(seed, &AgentName::new(agent).unwrap(), TurnId(turn), Step(step)).next_u64()
        };
        let first = draw(1, "a", 1, 1);
        assert_eq!(first, draw(1, "a", 1, 1));
        for other in [draw(2, "a", 1, 1), draw(1, "b", 1, 1), draw(1, "a", 2, 1), draw(1, "a", 1, 2)] {
            assert_ne!(first, other);
        }
    }

    #[test]
    fn draws_stay_in_their_range() {
        let mut draws = KeyedDraws::named(7, "range", &[]);
        for _ in 0..1000 {
            assert!((0.0..1.0).contains(&draws.unit()));
            assert!(draws.below(6) < 6);
        }
        assert_eq!(draws.below(0), 0);
    }
}
