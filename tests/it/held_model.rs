//! A model that holds its first answer back until it is let go.

use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};

use playhouse_tests::{Answer, AskedModel, Endpoint, Reply};
use tokio::sync::oneshot;

/// What a person says in the middle of a run.
pub(crate) const MESSAGE: &str = "Say the word.";

/// An endpoint whose first answer waits.
pub(crate) struct HeldModel {
    // Before the endpoint, which waits for its answer when it is dropped: a test that fails must end, too.
    release: Sender<()>,
    was_asked: oneshot::Receiver<()>,
    pub(crate) endpoint: Endpoint,
}

impl HeldModel {
    pub(crate) fn start() -> Self {
        let (release, released): (_, Receiver<()>) = channel();
        let (asked, was_asked) = oneshot::channel();
        let held = Mutex::new(Some((asked, released)));
        let endpoint = Endpoint::start(move |request| {
            let first = held.lock().unwrap().take();
            if let Some((asked, released)) = first {
                asked.send(()).unwrap();
                // An error means that the test has failed and is gone.
                let _ = released.recv();
            }
            answer(request)
        });
        Self { release, was_asked, endpoint }
    }

    /// Waits until the first request is there.
    pub(crate) async fn is_asked(&mut self) {
        (&mut self.was_asked).await.unwrap();
    }

    /// Lets it answer, once.
    pub(crate) fn let_go(&self) {
        self.release.send(()).unwrap();
    }
}

/// Says DONE once it has read the message, and something else before.
fn answer(asked: &AskedModel) -> Answer {
    let is_read = asked.messages().iter().any(|message| message["content"] == MESSAGE);
    Answer::Reply(Reply::say(if is_read { "DONE" } else { "Not yet." }))
}
