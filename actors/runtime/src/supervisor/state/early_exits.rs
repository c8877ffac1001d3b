//! Exits of actors that are not children yet.

use std::collections::VecDeque;

use playhouse_journal::ExitKind;
use ractor::ActorId;

/// How many are kept. One that is dropped costs its reason only: a child that has ended when its start is reported is seen
/// to have ended all the same.
const LIMIT: usize = 1024;

/// Exits that overtook the report of a start, as ractor delivers supervision events before messages; and those of strangers
/// that are linked to the supervisor, which look the same.
#[derive(Default)]
pub(super) struct EarlyExits(VecDeque<(ActorId, ExitKind, String)>);

impl EarlyExits {
    /// Notes an exit; the oldest makes room.
    pub(super) fn note(&mut self, actor: ActorId, exit: ExitKind, reason: String) {
        if self.0.len() >= LIMIT {
            self.0.pop_front();
        }
        self.0.push_back((actor, exit, reason));
    }

    /// Takes out how an actor ended.
    pub(super) fn take(&mut self, actor: ActorId) -> Option<(ExitKind, String)> {
        let place = self.0.iter().position(|(ended, ..)| *ended == actor)?;
        self.0.remove(place).map(|(_, exit, reason)| (exit, reason))
    }
}

#[cfg(test)]
mod tests {
    use super::{EarlyExits, LIMIT};
    use playhouse_journal::ExitKind;
    use ractor::ActorId;

    #[test]
    fn s23_exits_of_strangers_during_a_start_without_end_do_not_gather() {
        let mut exits = EarlyExits::default();
        for number in 0..10_000 {
            exits.note(ActorId::Local(number), ExitKind::Failed, number.to_string());
        }
        assert_eq!(exits.0.len(), LIMIT);
        assert_eq!(exits.take(ActorId::Local(9_999)), Some((ExitKind::Failed, "9999".to_owned())));
        assert_eq!(exits.take(ActorId::Local(9_999)), None, "told once");
        assert_eq!(exits.take(ActorId::Local(0)), None);
    }
}
