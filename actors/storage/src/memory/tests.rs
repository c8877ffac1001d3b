use std::time::Duration;

use playhouse_types::{BootId, RunId};
use proptest::prelude::*;

use super::MemoryStore;
use crate::conformance::{Harness, TestClock, model};

struct Memory {
    clock: TestClock,
    /// Keeps the runs while no process of a test has them open.
    root: MemoryStore,
}

impl Memory {
    fn new() -> Self {
        let clock = TestClock::default();
        clock.advance(Duration::from_secs(1));
        let root = MemoryStore::new(BootId::from_u128(0)).with_clock(clock.now());
        Self { clock, root }
    }
}

impl Harness for Memory {
    type Store = MemoryStore;

    fn open(&self, boot: BootId) -> MemoryStore {
        self.root.second_owner(boot)
    }

    fn open_limited(&self, boot: BootId, limit_bytes: u32) -> MemoryStore {
        self.open(boot).with_limit(limit_bytes as usize)
    }

    fn clock(&self) -> &TestClock {
        &self.clock
    }

    fn n_bodies(&self, run: RunId) -> usize {
        self.root.n_bodies(run)
    }
}

crate::conformance_suite!(Memory::new());

proptest! {
    #[test]
    fn random_commits_equal_the_model(numbers in proptest::collection::vec(any::<u32>(), 0..60)) {
        futures::executor::block_on(model::check(&Memory::new(), &numbers));
    }
}
