//! The right to an instance, and who has one: what an instance is working on, and until when.
//!
//! A [`Slot`] is kept by three, and given back when the last of them is done with it:
//!
//! - the guest, until it has returned;
//! - the client's side ([`Witness`]), until the answer is sent or the client has left; no longer than the instance works,
//!   or clients that take nothing would take all slots;
//! - the instance, which keeps its last one until it has nothing to do at all: a WASI 0.3 guest may go on after its answer.

use super::witness::Witness;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;
use tokio_util::task::task_tracker::TaskTrackerToken;

/// A request's right to an instance.
pub(super) struct Slot {
    /// When its instance is ended.
    pub(super) deadline: Instant,
    pub(super) _permit: OwnedSemaphorePermit,
    /// Keeps shutdown waiting.
    pub(super) _tracked: TaskTrackerToken,
}

/// A request as an instance gets it.
pub(super) struct Ticket {
    pub(super) witness: Arc<Witness>,
    pub(super) slot: Arc<Slot>,
}

/// What one instance works on.
#[derive(Default)]
pub(super) struct Shift(Mutex<Tickets>);

#[derive(Default)]
struct Tickets {
    /// The request that came last, also when it is answered.
    last: Option<Ticket>,
    /// Those before it that were not done when it came.
    earlier: Vec<(Arc<Witness>, Weak<Slot>)>,
}

impl Shift {
    /// The instance begins to work on a request.
    pub(super) fn begin(&self, ticket: Ticket) {
        let mut tickets = self.tickets();
        if let Some(Ticket { witness, slot }) = tickets.last.replace(ticket) {
            tickets.earlier.push((witness, Arc::downgrade(&slot)));
            drop(slot);
            tickets.earlier.retain(|(_, slot)| slot.strong_count() > 0);
        }
    }

    /// When the instance must have an end: at the first deadline of what it works on.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let tickets = self.tickets();
        let earlier = tickets.earlier.iter().filter_map(|(_, slot)| slot.upgrade());
        let earlier = earlier.map(|slot| slot.deadline);
        earlier
            .chain(tickets.last.as_ref().map(|last| last.slot.deadline))
            .min()
    }

    /// The instance has nothing to do any more; with a cause, it was not done.
    ///
    /// Returns what was its last request, whose slot is given back when that is dropped.
    pub(super) fn end(&self, cause: Option<&str>) -> Option<Ticket> {
        let Tickets { last, earlier } = std::mem::take(&mut *self.tickets());
        // Whether they have their slots says nothing now: a guest that traps takes them with it.
        let earlier = earlier.iter().map(|(witness, _)| witness);
        for witness in earlier.chain(last.as_ref().map(|last| &last.witness)) {
            witness.tell(cause);
        }
        last
    }

    fn tickets(&self) -> MutexGuard<'_, Tickets> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::super::connections::Connections;
    use super::super::request_id::Ids;
    use super::super::witness::Client;
    use super::*;
    use std::time::Duration;
    use tokio::sync::Semaphore;
    use tokio_util::task::TaskTracker;

    /// A request's three sides.
    struct Request {
        client: Client,
        guest: Arc<Slot>,
        ticket: Ticket,
    }

    async fn request(slots: &Arc<Semaphore>, deadline: Instant) -> Request {
        let busy = Connections::new(1).place(1).await.connection.busy();
        let client = Client::new("app".into(), Ids::default().next(), busy);
        let slot = Arc::new(Slot {
            deadline,
            _permit: Arc::clone(slots).try_acquire_owned().unwrap(),
            _tracked: TaskTracker::new().token(),
        });
        let witness = Arc::clone(client.witness());
        witness.keep(Arc::clone(&slot));
        Request {
            client,
            guest: Arc::clone(&slot),
            ticket: Ticket { witness, slot },
        }
    }

    #[tokio::test]
    async fn the_first_deadline_of_what_is_not_done_holds() {
        let slots = Arc::new(Semaphore::new(2));
        let (early, late) = (Instant::now(), Instant::now() + Duration::from_secs(1));
        let shift = Shift::default();
        let first = request(&slots, early).await;
        shift.begin(first.ticket);
        let second = request(&slots, late).await;
        shift.begin(second.ticket);
        drop(first.guest);
        assert_eq!(shift.deadline(), Some(early), "its answer is still being sent");
        drop(first.client);
        assert_eq!(shift.deadline(), Some(late));
        assert_eq!(slots.available_permits(), 1);
    }

    #[tokio::test]
    async fn an_instance_keeps_its_last_slot_until_it_has_nothing_to_do() {
        let slots = Arc::new(Semaphore::new(1));
        let shift = Shift::default();
        let request = request(&slots, Instant::now()).await;
        shift.begin(request.ticket);
        drop((request.guest, request.client));
        assert_eq!(slots.available_permits(), 0);
        drop(shift.end(None));
        assert_eq!(slots.available_permits(), 1);
        assert_eq!(shift.deadline(), None);
    }

    #[tokio::test]
    async fn an_instance_that_is_done_has_no_slot_however_slow_its_clients_are() {
        let slots = Arc::new(Semaphore::new(2));
        let shift = Shift::default();
        let mut clients = Vec::new();
        for _ in 0..2 {
            let request = request(&slots, Instant::now()).await;
            shift.begin(request.ticket);
            clients.push(request.client);
        }
        assert_eq!(slots.available_permits(), 0);
        drop(shift.end(None));
        assert_eq!(slots.available_permits(), 2);
        drop(clients);
    }
}
