//! Threads beside JavaScript's own. Libuv's four are shared by files, names and cryptography; a lookup that waits seconds has no business there.

use core::panic::AssertUnwindSafe;
use std::collections::VecDeque;
use std::panic::catch_unwind;
use std::sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard, PoisonError};

use napi::Status;
use napi::bindgen_prelude::{Either, Function};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi_derive::napi;

use counterfoil::Error;

use crate::verdict::{Verdict, all_refused};

/// How many jobs may wait: what comes beyond is refused, as by a lookup that does not answer.
const MOST_JOBS: usize = 65_536;

/// How many requests may wait for lookups at the same time.
const MOST_WAITERS: usize = 64;

/// What a thread is to judge, and where its verdicts go.
pub(crate) struct Job {
    outbox: Arc<Outbox>,
    number: u32,
    /// How many verdicts there will be.
    count: usize,
    judge: Box<dyn FnOnce() -> Vec<Verdict> + Send>,
}

impl Job {
    pub(crate) fn new(verdicts: &Verdicts, number: u32, count: usize, judge: impl FnOnce() -> Vec<Verdict> + Send + 'static) -> Self {
        Self { outbox: verdicts.0.clone(), number, count, judge: Box::new(judge) }
    }

    /// A panic costs neither the thread nor the answer.
    fn run(self) {
        let Self { outbox, number, count, judge } = self;
        outbox.put(number, catch_unwind(AssertUnwindSafe(judge)).unwrap_or_else(|_| all_refused(count, Error::Panicked)));
    }

    fn refuse(self) {
        self.outbox.put(self.number, all_refused(self.count, Error::LookupUnavailable));
    }
}

/// Threads that start when they are first needed, and then stay.
struct Pool {
    most: usize,
    state: Mutex<State>,
    work: Condvar,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    threads: usize,
    idle: usize,
}

/// For what computes: a thread for each core.
static COMPUTING: LazyLock<Pool> = LazyLock::new(|| Pool::new(std::thread::available_parallelism().map_or(1, usize::from)));

/// For what may wait for another server.
static WAITING: LazyLock<Pool> = LazyLock::new(|| Pool::new(MOST_WAITERS));

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Pool {
    fn new(most: usize) -> Self {
        Self { most, state: Mutex::default(), work: Condvar::new() }
    }

    /// Lets threads do it; refuses what is too much, or what there is no thread for.
    fn submit(&'static self, jobs: impl IntoIterator<Item = Job>) {
        let mut state = locked(&self.state);
        let mut refused = Vec::new();
        for job in jobs {
            if state.idle <= state.jobs.len() && state.threads < self.most {
                let started = std::thread::Builder::new().name("counterfoil".into()).spawn(|| self.run());
                state.threads += usize::from(started.is_ok());
            }
            if state.jobs.len() < MOST_JOBS && state.threads > 0 { state.jobs.push_back(job) } else { refused.push(job) }
        }
        let (idle, waiting) = (state.idle, state.jobs.len());
        drop(state);
        (0..idle.min(waiting)).for_each(|_| self.work.notify_one());
        refused.into_iter().for_each(Job::refuse);
    }

    fn run(&self) -> ! {
        let mut state = locked(&self.state);
        loop {
            match state.jobs.pop_front() {
                Some(job) => {
                    drop(state);
                    job.run();
                    state = locked(&self.state);
                }
                None => {
                    state.idle += 1;
                    state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
                    state.idle -= 1;
                }
            }
        }
    }
}

/// Wakes JavaScript's thread; does not keep the process alive by itself.
type Wake = ThreadsafeFunction<(), (), (), Status, false, true, 0>;

/// The verdicts for one JavaScript thread, which fetches them when it is woken.
#[napi]
pub(crate) struct Verdicts(Arc<Outbox>);

pub(crate) struct Outbox {
    done: Mutex<Vec<(u32, Vec<Verdict>)>>,
    wake: Wake,
}

impl Outbox {
    fn put(&self, number: u32, verdicts: Vec<Verdict>) {
        let mut done = locked(&self.done);
        done.push((number, verdicts));
        let is_first = done.len() == 1;
        drop(done);
        if is_first {
            // Fails where JavaScript's thread has ended, and nobody waits any more.
            let _ = self.wake.call((), ThreadsafeFunctionCallMode::NonBlocking);
        }
    }
}

#[napi]
impl Verdicts {
    /// `wake` is called when there is something to take.
    #[napi(constructor)]
    pub fn new(wake: Function<'_, (), ()>) -> napi::Result<Self> {
        let wake = wake.build_threadsafe_function().weak::<true>().build()?;
        Ok(Self(Arc::new(Outbox { done: Mutex::default(), wake })))
    }

    /// Everything that is there: a number, its verdicts, a number, its verdicts…
    #[napi]
    pub fn take(&self) -> Vec<Either<u32, Vec<Verdict>>> {
        let done = core::mem::take(&mut *locked(&self.0.done));
        done.into_iter().flat_map(|(number, verdicts)| [Either::A(number), Either::B(verdicts)]).collect()
    }
}

/// Lets other threads do it: those for lookups where it may wait for one.
pub(crate) fn elsewhere(waits: bool, jobs: impl IntoIterator<Item = Job>) {
    let pool: &Pool = if waits { &WAITING } else { &COMPUTING };
    pool.submit(jobs);
}
