//! What every program of the table speaks: `PROGRAM FOLDER` reads the corpus, then takes `WORK THREADS` from each line of standard input
//! and answers with one line of JSON, `{"peer","version","work","threads","tokens","ns_per_token"}` or `{…,"absent":"why"}`.
//!
//! Shared by source (`#[path]`), because the programs are packages of their own. Every verdict is asserted once before the clock
//! starts, and again while it runs.

use core::time::Duration;
use std::io::{BufRead as _, Write as _};
use std::path::PathBuf;
use std::sync::Barrier;
use std::time::Instant;

/// One token, with its proof where it has one, and the verdict that it deserves.
pub(crate) struct Case {
    pub(crate) accept: bool,
    pub(crate) token: String,
    pub(crate) proof: Option<String>,
}

/// The folder that `corpus` wrote.
pub(crate) struct Corpus {
    folder: PathBuf,
    parameters: String,
}

impl Corpus {
    fn open() -> Self {
        let folder = PathBuf::from(std::env::args().nth(1).expect("usage: PROGRAM FOLDER"));
        let parameters = std::fs::read_to_string(folder.join("parameters")).expect("a corpus");
        Self { folder, parameters }
    }

    /// A parameter that all works share: `issuer`, `audience`, `thumbprint`, `method`, `url` or `now`.
    pub(crate) fn parameter(&self, name: &str) -> &str {
        let mut pairs = self.parameters.lines().filter_map(|line| line.split_once(' '));
        pairs.find(|(own, _)| *own == name).map_or("", |(_, value)| value)
    }

    /// A file of a work: `jwks` or `pem`.
    pub(crate) fn file(&self, work: &str, ending: &str) -> Result<String, String> {
        std::fs::read_to_string(self.folder.join(format!("{work}.{ending}"))).map_err(|error| format!("{work}.{ending}: {error}"))
    }

    fn cases(&self, work: &str) -> Result<Vec<Case>, String> {
        let case = |line: &str| {
            let mut words = line.split(' ').map(str::to_owned);
            let accept = words.next().is_some_and(|word| word == "accept");
            Case { accept, token: words.next().unwrap_or_default(), proof: words.next() }
        };
        Ok(self.file(work, "tokens")?.lines().map(case).collect())
    }
}

/// Keys and policy of one work, shared by its threads.
pub(crate) trait Work: Sync {
    /// Judges all cases, twice, by [`settle_and_time`]; panics at a wrong verdict.
    fn run(&self, cases: &[Case], mark: &mut dyn FnMut());
}

/// A pass to assert and to settle, and one by the clock, which `mark` starts and stops.
pub(crate) fn settle_and_time(mark: &mut dyn FnMut(), mut pass: impl FnMut()) {
    pass();
    mark();
    pass();
    mark();
}

/// A function that judges case by case needs no more.
impl<F: Fn(&Case) -> bool + Sync> Work for F {
    fn run(&self, cases: &[Case], mark: &mut dyn FnMut()) {
        settle_and_time(mark, || {
            for case in cases {
                assert_eq!(self(case), case.accept, "a verdict on {} {:?}", case.token, case.proof);
            }
        });
    }
}

/// Answers commands until standard input ends. `prepare` says why a work is not offered, where it is not.
pub(crate) fn serve(peer: &str, version: &str, prepare: impl Fn(&Corpus, &str) -> Result<Box<dyn Work>, String>) {
    let corpus = Corpus::open();
    assert!(!corpus.parameter("issuer").is_empty(), "a corpus");
    let mut last: Option<(String, Vec<Case>, Box<dyn Work>)> = None;
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("a command");
        let (work, threads) = line.split_once(' ').expect("WORK THREADS");
        let count: usize = threads.parse().expect("a number of threads");
        let mut result = Ok(());
        if last.as_ref().is_none_or(|(name, ..)| name != work) {
            // The old one goes first: prepared keys can take 128 MiB.
            last = None;
            match corpus.cases(work).and_then(|cases| Ok((work.to_owned(), cases, prepare(&corpus, work)?))) {
                Ok(ready) => last = Some(ready),
                Err(why) => result = Err(why),
            }
        }
        let outcome = match (&last, result) {
            (Some((_, cases, ready)), Ok(())) => {
                let tokens = cases.len() * count;
                let nanoseconds = pass_together(ready.as_ref(), cases, count).as_secs_f64() * 1e9;
                format!(r#""tokens":{tokens},"ns_per_token":{:.1}"#, nanoseconds / tokens as f64)
            }
            (_, why) => format!(r#""absent":"{}""#, why.err().unwrap_or_default().replace(['"', '\\', '\n'], " ")),
        };
        let mut out = std::io::stdout().lock();
        writeln!(out, r#"{{"peer":"{peer}","version":"{version}","work":"{work}","threads":{count},{outcome}}}"#).expect("a reader");
        out.flush().expect("a reader");
    }
}

/// From when the first thread may go to when the last is done.
fn pass_together(work: &dyn Work, cases: &[Case], threads: usize) -> Duration {
    let barrier = Barrier::new(threads);
    let timed = || {
        let mut marks = Vec::with_capacity(2);
        work.run(cases, &mut || {
            if marks.is_empty() {
                barrier.wait();
            }
            marks.push(Instant::now());
        });
        marks
    };
    let marks: Vec<Instant> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(timed)).collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("a thread whose verdicts were right")).collect()
    });
    let (first, last) = (marks.iter().min().expect("a mark"), marks.iter().max().expect("a mark"));
    last.duration_since(*first)
}

/// The version of a package in a lock file.
pub(crate) fn locked(lock: &str, package: &str) -> String {
    let mut lines = lock.lines().skip_while(|line| *line != format!(r#"name = "{package}""#));
    let version = lines.nth(1).and_then(|line| line.strip_prefix("version = \"")?.strip_suffix('"'));
    version.unwrap_or("unknown").to_owned()
}
