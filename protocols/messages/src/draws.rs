//! Chance, drawn from the run's seed.

/// A stream of pseudo-random draws that depends only on (seed, agent, turn, step).
pub trait Draws: Send {
    /// Draws 64 uniform bits.
    fn next_u64(&mut self) -> u64;

    /// Draws a number from 0 (included) to 1 (excluded), uniformly: the 53 upper bits over 2^53.
    fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Draws a number below `bound`, or 0 if `bound` is 0; biased by less than `bound / 2^64` (multiply and shift).
    fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next_u64()) * u128::from(bound)) >> 64) as u64
    }
}
