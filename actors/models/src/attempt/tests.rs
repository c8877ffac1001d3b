use std::sync::Arc;

use bytes::Bytes;
use playhouse_messages::{BusEvent, EventBus, FrameSink};
use playhouse_types::{AgentName, RunId, Step, TurnId};
use proptest::prelude::{ProptestConfig, any, proptest};
use proptest::sample::Index;

use super::Stream;
use crate::reply::ReplyBuilder;
use crate::settings::ReplyCaps;
use crate::sse::SseDecoder;

struct NoBus;

impl EventBus for NoBus {
    fn is_watched(&self) -> bool {
        true
    }

    fn publish(&self, _: BusEvent) {}
}

const STREAM: &str = concat!(
    "data: {\"model\": \"m\", \"choices\": [{\"index\": 0, \"delta\": {\"content\": \"größe\", \"refusal\": null}}]}\r\n\r\n",
    ": comment\n\n",
    "data: {\"choices\": [{\"delta\": {\"tool_calls\": [{\"index\": 0, \"id\": \"a\", \"function\": {\"name\": \"f\", ",
    "\"arguments\": \"{\"}}, {\"function\": {\"arguments\": {\"x\": 1}}}]}, \"finish_reason\": \"stop\"}]}\n\n",
    "data: {\"choices\": [], \"usage\": {\"prompt_tokens\": 1, \"prompt_tokens_details\": {\"cached_tokens\": 2}}}\n\n",
    "data: {\"error\": {\"message\": \"m\", \"code\": 500}}\n\ndata: [DONE]\n\n",
);

/// Reads a stream in two pieces as an attempt does; all that matters is that it comes to an end.
fn read(bytes: &[u8], cut: usize) {
    let bus = Arc::new(NoBus);
    let speaker = AgentName::new("clerk").unwrap();
    let frames = FrameSink { bus, run: RunId::from_u128(1), turn: TurnId(1), step: Step(1), speaker };
    let caps = ReplyCaps { text_bytes: 64, tool_calls: 2, argument_bytes: 64 };
    let mut stream = Stream { reply: ReplyBuilder::new(caps), is_done: false, frames: &frames, attempt: 1 };
    let mut decoder = SseDecoder::default();
    for piece in [&bytes[..cut], &bytes[cut..]] {
        if decoder.push(&Bytes::copy_from_slice(piece), |data| stream.take(data)).is_err() {
            return;
        }
    }
    // Any outcome is fine here.
    let _ = stream.end(decoder);
    let _ = stream.reply.finish();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5_000))]
    #[test]
    fn no_stream_makes_the_reader_panic(
        changes in proptest::collection::vec((any::<Index>(), any::<u8>()), 0..8),
        removed in any::<Option<(Index, u8)>>(),
        cut in any::<Index>(),
    ) {
        let mut bytes = STREAM.as_bytes().to_vec();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some((from, len)) = removed {
            let from = from.index(bytes.len());
            let to = (from + usize::from(len)).min(bytes.len());
            bytes.drain(from..to);
        }
        let cut = cut.index(bytes.len() + 1);
        read(&bytes, cut);
    }
}
