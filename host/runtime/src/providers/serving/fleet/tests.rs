//! Instances that come, go and are asked, of a building block whose instances are written here: no guest runs.

use super::super::exchange::Happening;
use super::super::testing::{DEADLINE, spec};
use super::*;
use crate::app::Shared;
use crate::egress::Trust;
use crate::engine::{Allocator, Engines};
use crate::limits::{Limits, MemoryBudget, SocketBudget};
use crate::output::GuestOutput;
use crate::providers::answer::{Declared, Heard, Instances};
use crate::providers::guest::{ProviderGuest, Requests};
use crate::providers::linked::{Linked, ProviderSpec};
use crate::roots::Roots;
use std::cell::RefCell;
use std::collections::VecDeque;
use tokio::sync::oneshot;
use wasmtime::Store;

thread_local! {
    /// Those that are made and do not run yet. All of a test is on one thread.
    static MADE: RefCell<VecDeque<Arc<Exchange<Echo>>>> = const { RefCell::new(VecDeque::new()) };
}

/// A building block that answers what it is asked to, when it is asked to.
#[derive(Debug)]
struct Echo;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reply {
    Done,
    Away,
}

enum Call {
    Now(Reply),
    /// Once this comes, or is dropped.
    After(oneshot::Receiver<()>),
    Never,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Several;

impl Declared for Several {
    fn instances(&self) -> Instances {
        Instances::Several
    }
}

impl Heard for Reply {
    fn is_away(&self) -> bool {
        *self == Self::Away
    }
}

impl BuildingBlock for Echo {
    type Pre = ();
    type Configuration = ();
    type Declaration = Several;
    type Call = Call;
    type Reply = Reply;

    fn configuration(_spec: &ProviderSpec) {}

    fn requests(exchange: Arc<Exchange<Self>>) -> Requests {
        MADE.with_borrow_mut(|made| made.push_back(exchange));
        Requests::None
    }

    async fn run(_pre: &(), _guest: &mut Store<ProviderGuest>) -> wasmtime::Result<()> {
        let exchange = MADE.with_borrow_mut(VecDeque::pop_front).unwrap();
        exchange.begin()?;
        exchange.started(Ok::<_, std::fmt::Error>(Several))?;
        loop {
            exchange.arrived().await;
            match exchange.next() {
                Some(Happening::Stop) => return Ok(()),
                Some(Happening::Request { id, call, .. }) => match call {
                    Call::Now(reply) => exchange.respond(id, reply).await,
                    Call::After(gate) => {
                        let exchange = Arc::clone(&exchange);
                        tokio::spawn(async move {
                            let _ = gate.await;
                            exchange.respond(id, Reply::Done).await;
                        });
                    }
                    Call::Never => {}
                },
                Some(Happening::Cancel(_)) | None => {}
            }
        }
    }
}

async fn fleet(instances: usize) -> Arc<Fleet<Echo>> {
    let (limits, allocator) = (Limits::default(), Allocator::probe());
    let shared = Shared {
        engines: Engines::new(allocator, &limits),
        allocator,
        limits,
        budget: MemoryBudget::of_this_machine(),
        sockets: SocketBudget::of_this_process(),
        output: Arc::new(GuestOutput::start(|_| ()).unwrap()),
        roots: Roots::default(),
        trust: Trust::default(),
    };
    let linked = Linked::new(spec(instances), shared, None).unwrap();
    let fleet = Fleet::open(LoopProvider { linked, pre: () }).await;
    Arc::new(fleet.unwrap_or_else(|error| panic!("{error}")))
}

/// Waits, while time stands still, until so many instances serve.
async fn until_live(fleet: &Fleet<Echo>, count: usize) {
    for _ in 0..1000 {
        if fleet.0.state().live.len() == count {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("{} instances serve", fleet.0.state().live.len());
}

/// Has so many calls under way until what it answers is dropped.
async fn load(fleet: &Arc<Fleet<Echo>>, calls: usize) -> Vec<oneshot::Sender<()>> {
    let mut gates = Vec::new();
    for _ in 0..calls {
        let (gate, opens) = oneshot::channel();
        let fleet = Arc::clone(fleet);
        tokio::spawn(async move { fleet.call(Call::After(opens)).await });
        tokio::task::yield_now().await;
        gates.push(gate);
    }
    gates
}

async fn is_answered(fleet: &Fleet<Echo>) -> bool {
    matches!(fleet.call(Call::Now(Reply::Done)).await, Ok(Reply::Done))
}

// ---- instances ----

#[tokio::test(start_paused = true)]
async fn what_has_nothing_to_do_for_a_minute_is_stopped_down_to_one() {
    let fleet = fleet(2).await;
    let gates = load(&fleet, BUSY + 2).await;
    until_live(&fleet, 2).await;
    drop(gates);
    tokio::time::sleep(IDLE - DEADLINE).await;
    assert_eq!(fleet.0.state().live.len(), 2);
    tokio::time::sleep(IDLE + DEADLINE).await;
    assert_eq!(fleet.0.state().live.len(), 1);
    tokio::time::sleep(IDLE * 10).await;
    assert_eq!(fleet.0.state().live.len(), 1);
    assert!(is_answered(&fleet).await);
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_instance_is_told_to_stop_meanwhile_goes_to_another() {
    let fleet = fleet(1).await;
    let Choice::Ask(exchange) = fleet.0.choose() else {
        panic!("one serves")
    };
    exchange.stop();
    assert!(is_answered(&fleet).await);
}

// ---- health ----

#[tokio::test(start_paused = true)]
async fn it_fails_while_its_last_answer_is_that_the_server_is_away() {
    let fleet = fleet(1).await;
    assert_eq!(fleet.health(), Health::Well);
    assert!(fleet.call(Call::Now(Reply::Away)).await.is_ok());
    assert!(matches!(fleet.health(), Health::Failing(_)));
    assert!(is_answered(&fleet).await);
    assert_eq!(fleet.health(), Health::Well);
}

#[tokio::test(start_paused = true)]
async fn it_fails_when_it_does_not_answer_in_time_though_its_instance_lives() {
    let fleet = fleet(1).await;
    assert!(fleet.call(Call::Never).await.is_err());
    assert_eq!(fleet.0.state().live.len(), 1);
    assert_eq!(fleet.health(), Health::Failing("it did not answer in time".to_owned()));
    assert!(is_answered(&fleet).await);
    assert_eq!(fleet.health(), Health::Well);
}
