//! Requests to an actor that restarts: they wait, in order, bounded in number and time.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::StreamExt;
use futures::future::join_all;
use playhouse_messages::{Address, Clock, Mail, RequestError, SendError};
use playhouse_runtime::{ChildSpec, RestartPolicy, StartChild, Strategy};
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};

use super::world::{Stage, World, at_once, waits};

/// How long a request may wait in these tests.
const WITHIN: Duration = Duration::from_secs(60);

/// A number, and where it is confirmed.
struct Ask {
    number: u32,
    reply: RpcReplyPort<u32>,
}

/// What an actor does with the n-th sight of a number.
#[derive(Clone, Copy)]
enum Reaction {
    Answer,
    Panic,
    /// Drop the question.
    Ignore,
}

struct Clerk {
    seen: Arc<Mutex<Vec<u32>>>,
    react: fn(number: u32, n_times: usize) -> Reaction,
}

impl Actor for Clerk {
    type Msg = Mail<Ask>;
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<Mail<Ask>>, (): ()) -> Result<(), ActorProcessingErr> {
        Ok(())
    }

    async fn handle(
        &self,
        _: ActorRef<Mail<Ask>>,
        mail: Mail<Ask>,
        (): &mut (),
    ) -> Result<(), ActorProcessingErr> {
        let Ask { number, reply } = mail.message;
        self.seen.lock().unwrap().push(number);
        let n_times = self.seen.lock().unwrap().iter().filter(|seen| **seen == number).count();
        match (self.react)(number, n_times) {
            Reaction::Answer => {
                // Who asked may have given up.
                let _ = reply.send(number);
            }
            Reaction::Panic => panic!("as told"),
            Reaction::Ignore => {}
        }
        Ok(())
    }
}

/// An office with one clerk behind an address.
struct Office {
    world: World,
    address: Address<Ask>,
    seen: Arc<Mutex<Vec<u32>>>,
    spec: ChildSpec,
}

impl Office {
    fn new(capacity: usize, policy: RestartPolicy, react: fn(u32, usize) -> Reaction) -> Self {
        let address: Address<Ask> = Address::new(capacity);
        let seen: Arc<Mutex<Vec<u32>>> = Arc::default();
        let (slot, log) = (address.clone(), Arc::clone(&seen));
        let start: StartChild = Arc::new(move |start| {
            let (slot, clerk) = (slot.clone(), Clerk { seen: Arc::clone(&log), react });
            Box::pin(async move {
                let spawned = Actor::spawn_linked(None, clerk, (), start.supervisor).await;
                let (actor, _) = spawned.map_err(|error| error.to_string())?;
                slot.slot().set(Some(actor.clone()));
                Ok(actor.get_cell())
            })
        });
        Self { world: World::new(), address, seen, spec: ChildSpec::worker("clerk", policy, start) }
    }

    async fn open(&self) -> Stage {
        self.world.supervise(self.world.args(Strategy::OneForOne, vec![self.spec.clone()])).await
    }

    async fn ask(&self, number: u32) -> Result<u32, RequestError> {
        self.address.request(&self.world.clock, WITHIN, |reply| Ask { number, reply }).await
    }

    fn seen(&self) -> Vec<u32> {
        std::mem::take(&mut *self.seen.lock().unwrap())
    }
}

const fn answer(_: u32, _: usize) -> Reaction {
    Reaction::Answer
}

const fn panic_at_zero(number: u32, n_times: usize) -> Reaction {
    if number == 0 && n_times == 1 { Reaction::Panic } else { Reaction::Answer }
}

#[tokio::test(start_paused = true)]
async fn s30_requests_to_a_restarting_actor_are_kept_in_order_and_answered_by_the_next_incarnation() {
    let office = Office::new(64, waits(Duration::from_secs(5)), panic_at_zero);
    let _stage = office.open().await;
    // The first restart is at once; the second one waits.
    office.world.settle().await;
    office.address.current().unwrap().kill();
    office.world.settle().await;
    let panics = office.ask(0);
    let waiting = async {
        office.world.settle().await;
        assert_eq!(
            office.address.send(Ask { number: 9, reply: tokio::sync::oneshot::channel().0.into() }),
            Err(SendError::Stopped)
        );
        join_all((1..=20).map(|number| office.ask(number))).await
    };
    let (first, others) = tokio::join!(panics, waiting);
    assert_eq!(first, Ok(0), "also the one that the incarnation took with it");
    assert_eq!(others, (1..=20).map(Ok).collect::<Vec<_>>());
    let expected: Vec<u32> = [0, 0].into_iter().chain(1..=20).collect();
    assert_eq!(office.seen(), expected);
    assert_eq!(office.world.now().as_secs(), 5, "they waited for the restart and no longer");
}

#[tokio::test(start_paused = true)]
async fn s30_requests_beyond_the_bound_are_refused_at_once_and_those_that_wait_end_at_their_deadline() {
    let office = Office::new(4, at_once(), answer);
    let waiting = join_all((0..4).map(|number| office.ask(number)));
    let refused = async {
        office.world.settle().await;
        office.ask(4).await
    };
    let (waiting, refused) = tokio::join!(waiting, async {
        let refused = refused.await;
        (refused, office.world.now().as_secs())
    });
    assert_eq!(refused, (Err(RequestError::Overloaded), 0));
    assert_eq!(waiting, [Err(RequestError::Deadline); 4]);
    assert_eq!(office.world.now().as_secs(), WITHIN.as_secs());
    let _stage = office.open().await;
    assert_eq!(office.seen(), Vec::<u32>::new(), "what nobody waits for is not delivered");
    assert_eq!(join_all((0..4).map(|number| office.ask(number))).await, (0..4).map(Ok).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn s30_a_request_that_is_dropped_is_taken_back_and_frees_its_place() {
    let office = Office::new(1, at_once(), answer);
    let dropped = tokio::time::timeout(Duration::from_secs(1), office.ask(1)).await;
    assert!(dropped.is_err());
    let _stage = office.open().await;
    assert_eq!(office.ask(2).await, Ok(2));
    assert_eq!(office.seen(), [2]);
}

#[tokio::test(start_paused = true)]
async fn s30_an_incarnation_that_leaves_a_request_unanswered_is_not_asked_again() {
    let office = Office::new(
        8,
        at_once(),
        |_, n_times| if n_times == 1 { Reaction::Ignore } else { Reaction::Answer },
    );
    let _stage = office.open().await;
    assert_eq!(office.ask(1).await, Err(RequestError::Deadline));
    assert_eq!(office.seen(), [1]);
    let later = async {
        office.world.pass(Duration::from_secs(1)).await;
        office.address.current().unwrap().kill();
    };
    let (answer, ()) = tokio::join!(office.ask(2), later);
    assert_eq!((answer, office.seen()), (Ok(2), vec![2, 2]), "but the next one is");
}

#[tokio::test(start_paused = true)]
async fn s30_ten_thousand_requests_to_an_actor_that_panics_on_every_hundredth_are_all_answered() {
    let react =
        |number, n_times| if number % 100 == 0 && n_times == 1 { Reaction::Panic } else { Reaction::Answer };
    let policy = at_once().max(1_000, Duration::from_secs(60));
    let office = Office::new(256, policy, react);
    let _stage = office.open().await;
    let requests = futures::stream::iter(1..=10_000).map(|number| office.ask(number)).buffer_unordered(200);
    let answers: Vec<_> = requests.collect().await;
    let mut answered: Vec<u32> = answers.into_iter().map(Result::unwrap).collect();
    answered.sort_unstable();
    assert_eq!(answered, (1..=10_000).collect::<Vec<_>>());
    let exits = office.world.log().iter().filter(|line| line.starts_with("exit")).count();
    assert_eq!(exits, 100, "each panicked once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s30_no_request_is_lost_between_threads() {
    let react = |number: u32, n_times| {
        if number.is_multiple_of(25) && n_times == 1 { Reaction::Panic } else { Reaction::Answer }
    };
    let policy = at_once().max(1_000, Duration::from_secs(3600));
    let office = Arc::new(Office::new(256, policy, react));
    let _stage = office.open().await;
    let requests = (1..=200_u32).map(|number| {
        let office = Arc::clone(&office);
        tokio::spawn(async move { office.ask(number).await })
    });
    for (number, answer) in (1..).zip(join_all(requests).await) {
        assert_eq!(answer.unwrap(), Ok(number));
    }
}

#[tokio::test(start_paused = true)]
async fn s30_a_start_that_outlives_its_abort_does_not_take_the_address() {
    let mut office = Office::new(8, at_once(), |_, _| Reaction::Answer);
    let (start, slot, clock) = (Arc::clone(&office.spec.start), office.address.clone(), office.world.clock);
    office.spec.start_within = Duration::from_secs(1);
    office.spec.start = Arc::new(move |args| {
        let (start, slot) = (Arc::clone(&start), slot.clone());
        Box::pin(async move {
            if args.incarnation.0 > 1 {
                return start(args).await;
            }
            // It was spawned in time; filling the address takes longer than it may, and nothing can stop it.
            let late = Clerk { seen: Arc::default(), react: |_, _| Reaction::Ignore };
            let (late, _) = Actor::spawn(None, late, ()).await.map_err(|error| error.to_string())?;
            let blocked = async move {
                clock.sleep(Duration::from_secs(3)).await;
                slot.slot().set(Some(late));
            };
            tokio::spawn(blocked).await.map_err(|error| error.to_string())?;
            Err("too late".to_owned().into())
        })
    });
    let _stage = office.open().await;
    assert_eq!(office.ask(1).await, Ok(1));
    office.world.pass(Duration::from_secs(5)).await;
    assert_eq!(office.ask(2).await, Ok(2));
}

#[tokio::test(start_paused = true)]
async fn s34_a_request_that_always_panics_ends_in_one_escalation_and_a_typed_answer() {
    let policy = at_once().max(3, Duration::from_secs(60));
    let office = Office::new(8, policy, |_, _| Reaction::Panic);
    let _stage = office.open().await;
    assert_eq!(office.ask(13).await, Err(RequestError::Deadline));
    assert_eq!(office.seen(), [13; 4]);
    let log = office.world.log();
    assert_eq!(log.iter().filter(|line| line.starts_with("escalate")).count(), 1, "{log:?}");
}
