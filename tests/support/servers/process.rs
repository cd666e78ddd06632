//! The processes of a server: started so that they end with the tests, and signalled all together.
//!
//! Not by a process group: PostgreSQL gives each process that serves a client a group of its own. Which ones belong to a
//! server is read from `/proc`.

use crate::wait::PATIENCE;
use rustix::process::{Pid, Signal, kill_process};
use std::process::{Child, Command, ExitStatus};
use std::sync::{LazyLock, mpsc};
use std::time::{Duration, Instant};

/// How often a process is looked at.
const STEP: Duration = Duration::from_millis(5);

/// A server's first process, and those that it has started.
#[derive(Debug)]
pub(super) struct Process(Child);

impl Process {
    pub(super) fn start(command: Command) -> Self {
        let shown = format!("{command:?}");
        Self(spawn(command).unwrap_or_else(|error| panic!("cannot start {shown}: {error}")))
    }

    /// How it ended, if it has.
    pub(super) fn ended(&mut self) -> Option<ExitStatus> {
        self.0.try_wait().expect("it can be waited for")
    }

    /// Stops all as they are.
    pub(super) fn pause(&self) {
        // The first one before the others are looked for, so that it starts no more of them meanwhile.
        let stopped = stop(&[self.first()]) && stop(&self.all());
        assert!(stopped, "not all processes of a server are stopped");
    }

    /// Lets them go on.
    pub(super) fn resume(&self) {
        send(&self.all(), Signal::CONT);
    }

    /// Asks the first one to end, which ends the others, and waits until all have.
    pub(super) fn end(&mut self, signal: Signal) {
        let all = self.all();
        send(&[self.first()], signal);
        // It may be paused.
        send(&all, Signal::CONT);
        let ended = comes_true(|| self.ended().is_some()) && gone(&all);
        assert!(ended, "a server does not end");
    }

    /// Kills all, and says whether they are gone.
    pub(super) fn kill(&mut self) -> bool {
        if self.ended().is_some() {
            return true;
        }
        // As for a pause; and those of a killed one are no longer its children.
        stop(&[self.first()]);
        let all = self.all();
        send(&all, Signal::KILL);
        comes_true(|| self.ended().is_some()) && gone(&all)
    }

    fn first(&self) -> Pid {
        Pid::from_child(&self.0)
    }

    /// The first one, then its children, then theirs.
    fn all(&self) -> Vec<Pid> {
        let seen = Seen::everywhere();
        let mut all = vec![self.first()];
        let mut next = 0;
        while let Some(parent) = all.get(next).copied() {
            all.extend(
                seen.iter()
                    .filter(|seen| seen.parent == Some(parent))
                    .map(|seen| seen.pid),
            );
            next += 1;
        }
        all
    }
}

/// Starts a program from a thread that is there as long as the tests are. The kernel ends a server with the thread that
/// started it, and that of a test ends with the test, though others may still use the server.
fn spawn(command: Command) -> std::io::Result<Child> {
    type Order = (Command, mpsc::Sender<std::io::Result<Child>>);
    static STARTER: LazyLock<mpsc::Sender<Order>> = LazyLock::new(|| {
        let (orders, taken) = mpsc::channel::<Order>();
        std::thread::spawn(move || {
            for (mut command, answer) in taken {
                let _ = answer.send(command.spawn());
            }
        });
        orders
    });
    let (answer, child) = mpsc::channel();
    STARTER.send((command, answer)).expect("the thread never ends");
    child.recv().expect("the thread answers")
}

/// Stops processes, and says whether they are.
fn stop(processes: &[Pid]) -> bool {
    send(processes, Signal::STOP);
    each_is(processes, "TZ")
}

/// Waits until processes have ended, and says whether they have.
fn gone(processes: &[Pid]) -> bool {
    each_is(processes, "Z")
}

/// Waits until each process is in one of these states, or no longer there.
fn each_is(processes: &[Pid], states: &str) -> bool {
    let is = |pid: &Pid| Seen::of(*pid).is_none_or(|seen| states.contains(seen.state));
    comes_true(|| processes.iter().all(is))
}

/// Waits for a condition, and says whether it came true. It does not panic, since it is used when a test already does.
fn comes_true(mut condition: impl FnMut() -> bool) -> bool {
    let started = Instant::now();
    while !condition() {
        if started.elapsed() > PATIENCE {
            return false;
        }
        std::thread::sleep(STEP);
    }
    true
}

/// Sends a signal to those that are still there.
fn send(processes: &[Pid], signal: Signal) {
    for pid in processes {
        let _ = kill_process(*pid, signal);
    }
}

/// What `/proc` says of a process.
#[derive(Clone, Copy, Debug)]
struct Seen {
    pid: Pid,
    parent: Option<Pid>,
    /// As in proc(5): `T` is stopped, `Z` has ended.
    state: char,
}

impl Seen {
    fn of(pid: Pid) -> Option<Self> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).ok()?;
        // The program's name may have anything in it but ends with the last bracket.
        let (_, fields) = stat.rsplit_once(')')?;
        let mut fields = fields.split_whitespace();
        Some(Self {
            pid,
            state: fields.next()?.chars().next()?,
            parent: fields.next()?.parse().ok().and_then(Pid::from_raw),
        })
    }

    /// All that there are.
    fn everywhere() -> Vec<Self> {
        let folder = std::fs::read_dir("/proc").expect("this is Linux");
        let pids = folder.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok().and_then(Pid::from_raw));
        pids.filter_map(Self::of).collect()
    }
}
