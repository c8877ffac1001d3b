//! Memories of any kind over random histories.

use std::collections::BTreeSet;

use playhouse_messages::{Exchange, HistoryItem, ModelRequest, OwnTurn};
use playhouse_types::{Brief, ThreadId, TurnId};
use proptest::prelude::{any, prop, prop_assert, prop_assert_eq, proptest};
use proptest::strategy::Strategy;

use super::{OPEN, exchange, remembered, request, transcript};
use crate::memory::{Memory, tokens_of_message, tokens_of_turn};

/// A memory and its bounds.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    head: Option<u64>,
    messages: Option<u32>,
    tokens: Option<u64>,
}

impl Bounds {
    fn memory(self) -> Memory {
        let memory = self.messages.map_or(Memory::whole(), Memory::last);
        let memory = self.tokens.map_or(memory, |tokens| memory.within(tokens));
        self.head.map_or(memory, |head| memory.head(head))
    }
}

fn bounds() -> impl Strategy<Value = Bounds> {
    let (head, messages) = (prop::option::of(0_u64..60), prop::option::of(0_u32..12));
    (head, messages, prop::option::of(0_u64..200)).prop_map(|(head, messages, tokens)| Bounds {
        head,
        messages,
        tokens,
    })
}

/// A request with a random history: messages, turns with calls between them, some of another conversation, and perhaps
/// calls of the open turn and an instruction.
fn requests() -> impl Strategy<Value = ModelRequest> {
    let turn = (0_u32..3, prop::collection::vec(0_usize..40, 1..4), prop::bool::weighted(0.2));
    let turns = prop::collection::vec(turn, 0..12);
    let messages = prop::collection::vec("[a-z]{0,40}", 0..30);
    (messages, turns, any::<bool>(), any::<bool>(), 0_u32..8).prop_map(
        |(texts, turns, is_told, is_calling, from)| {
            let transcript = transcript(&texts);
            let mut upto = 0;
            let mut own = Vec::new();
            for (number, (step, answers, is_elsewhere)) in (1..).zip(turns) {
                upto = transcript.len().min(upto + step);
                own.push(turn_of(TurnId(number), upto, &answers, is_elsewhere));
            }
            if is_calling {
                own.push(turn_of(OPEN, transcript.len(), &[3, 5], false));
            }
            let request = request(&transcript, own, is_told.then(|| Brief::new("it")));
            let view = request.transcript.clone().since(if from > 4 { from } else { 0 });
            ModelRequest { transcript: view, ..request }
        },
    )
}

fn turn_of(turn: TurnId, upto: u32, answers: &[usize], is_elsewhere: bool) -> OwnTurn {
    let thread = ThreadId(TurnId(if is_elsewhere { 7 } else { 0 }));
    OwnTurn { turn, thread, upto, exchanges: answers.iter().map(|bytes| exchange(turn, *bytes)).collect() }
}

/// Returns the places of the messages of a history.
fn messages(request: &ModelRequest) -> Vec<u32> {
    request.transcript.iter().map(|entry| entry.ordinal).collect()
}

fn exchanges(request: &ModelRequest) -> Vec<&Exchange> {
    let exchange = |item| match item {
        HistoryItem::Exchange(exchange) => Some(exchange),
        _ => None,
    };
    request.history().filter_map(exchange).collect()
}

/// Returns the tokens of the messages from a place on, and of what was done between them and since.
fn tokens_from(request: &ModelRequest, place: u32) -> u64 {
    let entries = request.transcript.iter().filter(|entry| entry.ordinal >= place);
    let turns = request.earlier().filter(|turn| turn.upto >= place);
    entries.map(tokens_of_message).sum::<u64>() + turns.map(tokens_of_turn).sum::<u64>()
}

proptest! {
    #[test]
    fn calls_keep_their_results_and_the_newest_is_never_lost(bounds in bounds(), whole in requests()) {
        let request = remembered(bounds.memory(), &whole);
        let (all, kept) = (messages(&whole), messages(&request));

        // Every turn is kept with all that was done in it, or not at all; the open one always.
        let kept_turns: BTreeSet<TurnId> =
            exchanges(&request).iter().flat_map(|exchange| &exchange.calls).map(|call| call.call.turn).collect();
        let of_kept = whole.earlier().filter(|turn| kept_turns.contains(&turn.turn));
        let expected: Vec<&Exchange> = of_kept.flat_map(|turn| &turn.exchanges).chain(whole.exchanges()).collect();
        prop_assert_eq!(exchanges(&request), expected);
        prop_assert_eq!(request.exchanges(), whole.exchanges());
        prop_assert_eq!(request.instruction(), whole.instruction());

        // The newest message is kept, the first one where there is a head, and between them one stretch is missing.
        prop_assert_eq!(kept.last(), all.last());
        if bounds.head.is_some() {
            prop_assert_eq!(kept.first(), all.first());
        }
        let left_out = request.transcript.left_out().clone();
        let is_kept = |place: &&u32| !left_out.contains(place);
        prop_assert_eq!(&kept, &all.iter().filter(is_kept).copied().collect::<Vec<u32>>());
        prop_assert_eq!(request.transcript.len() as usize, kept.len());
        for turn in whole.earlier() {
            prop_assert_eq!(kept_turns.contains(&turn.turn), !left_out.contains(&turn.upto));
        }
        let told = request.history().find_map(|item| match item {
            HistoryItem::LeftOut(count) => Some(count),
            _ => None,
        });
        prop_assert_eq!(told.unwrap_or(0), all.len() - kept.len());
        prop_assert_eq!(told.is_none(), request.hash() == whole.hash());
    }

    #[test]
    fn as_much_is_kept_as_the_bounds_allow(bounds in bounds(), whole in requests()) {
        let request = remembered(bounds.memory(), &whole);
        let left_out = request.transcript.left_out().clone();
        let tail = messages(&request).into_iter().filter(|place| *place >= left_out.end).count();
        let fits = |n_messages: usize, n_tokens: u64| {
            bounds.messages.is_none_or(|most| n_messages <= most as usize)
                && bounds.tokens.is_none_or(|most| n_tokens <= most)
        };
        if left_out.is_empty() {
            // With a head, everything may be kept although the tail alone would not reach so far.
            let n_tokens = tokens_from(&whole, 0);
            prop_assert!(tail <= 1 || fits(tail, n_tokens) || bounds.head.is_some());
        } else {
            prop_assert!(tail == 1 || fits(tail, tokens_from(&whole, left_out.end)));
            prop_assert!(!fits(tail + 1, tokens_from(&whole, left_out.end - 1)));
        }
    }
}
