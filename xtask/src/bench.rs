//! `cargo xtask bench`: Counterfoil and its peers side by side, over one corpus, in interleaved rounds.

use core::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::chart;
use crate::step::{Failure, cargo, command, has, output, root, run, target};

/// What is measured: a work of the corpus and a number of threads.
const ROWS: [(&str, usize); 20] = [
    ("es256", 1),
    ("ps256", 1),
    ("rs256", 1),
    ("eddsa", 1),
    ("es256+dpop", 1),
    ("first", 1),
    ("es256-0.5k", 1),
    ("es256-2k", 1),
    ("es256-8k", 1),
    ("es256-32keys", 1),
    ("es256-512keys", 1),
    ("garbage", 1),
    ("dots", 1),
    ("unknown-kid", 1),
    ("expired", 1),
    ("forged", 1),
    ("es256", 2),
    ("ps256", 2),
    ("eddsa", 2),
    ("es256-512keys", 2),
];

/// How a program is built and started.
#[derive(Clone, Copy)]
enum Kind {
    /// Counterfoil, by this path.
    Engine(&'static str),
    Rust,
    C,
    /// With more arguments.
    Node(&'static str, &'static [&'static str]),
    Python,
}

const PROGRAMS: [(&str, Kind); 19] = [
    ("counterfoil/portable", Kind::Engine("portable")),
    ("counterfoil/ifma", Kind::Engine("ifma")),
    ("counterfoil/batch8-portable", Kind::Engine("batch8-portable")),
    ("counterfoil/batch8-ifma", Kind::Engine("batch8-ifma")),
    ("counterfoil/cold", Kind::Engine("cold")),
    ("counterfoil/cold-portable", Kind::Engine("cold-portable")),
    ("counterfoil/cache-hit", Kind::Engine("cache-hit")),
    ("jsonwebtoken-aws-lc", Kind::Rust),
    ("jsonwebtoken-rust-crypto", Kind::Rust),
    ("jwt-simple", Kind::Rust),
    ("aws-lc-raw", Kind::Rust),
    ("libjwt", Kind::C),
    ("jose", Kind::Node("jose", &[])),
    ("fast-jwt", Kind::Node("fast-jwt", &[])),
    ("fast-jwt-cached", Kind::Node("fast-jwt", &["cached"])),
    ("jsonwebtoken", Kind::Node("jsonwebtoken", &[])),
    ("pyjwt", Kind::Python),
    ("joserfc", Kind::Python),
    ("authlib", Kind::Python),
];

/// A goal: the time of one program for one work, against another's.
struct Goal {
    what: &'static str,
    ours: (&'static str, &'static str),
    theirs: (&'static str, &'static str),
    times: f64,
}

/// `best` is `ifma` where the CPU has it, and `portable` elsewhere.
const BEST: &str = "counterfoil/best";
const PORTABLE: &str = "counterfoil/portable";
const IFMA: &str = "counterfoil/ifma";
const USUAL: &str = "jsonwebtoken-aws-lc";

const fn goal(what: &'static str, ours: (&'static str, &'static str), theirs: (&'static str, &'static str), times: f64) -> Goal {
    Goal { what, ours, theirs, times }
}

const GOALS: [Goal; 16] = [
    goal("ES256 access token, mTLS-bound, portable", (PORTABLE, "es256"), (USUAL, "es256"), 0.20),
    goal("ES256, IFMA", (IFMA, "es256"), (USUAL, "es256"), 0.10),
    goal("ES256, batch of 8, portable", ("counterfoil/batch8-portable", "es256"), (USUAL, "es256"), 0.15),
    goal("ES256, batch of 8, IFMA", ("counterfoil/batch8-ifma", "es256"), (USUAL, "es256"), 0.06),
    goal("ES256, key seen first time: signature against signature", ("counterfoil/cold", "first"), ("aws-lc-raw", "first"), 1.0),
    goal("ES256 + DPoP proof, key seen before, against two bare verifications", (BEST, "es256+dpop"), ("aws-lc-raw", "es256+dpop"), 0.25),
    goal("PS256-2048, IFMA", (IFMA, "ps256"), (USUAL, "ps256"), 0.5),
    goal("RS256-2048, IFMA", (IFMA, "rs256"), (USUAL, "rs256"), 0.5),
    goal("PS256-2048, portable", (PORTABLE, "ps256"), (USUAL, "ps256"), 1.2),
    goal("RS256-2048, portable", (PORTABLE, "rs256"), (USUAL, "rs256"), 1.2),
    goal("EdDSA", (BEST, "eddsa"), (USUAL, "eddsa"), 0.5),
    goal("cache hit", ("counterfoil/cache-hit", "es256"), ("fast-jwt-cached", "es256"), 0.1),
    goal("refuse garbage, against its own accept", (BEST, "garbage"), (BEST, "es256"), 0.1),
    goal("refuse 16 KiB of dots, against its own accept", (BEST, "dots"), (BEST, "es256"), 0.1),
    goal("refuse an unknown kid, against its own accept", (BEST, "unknown-kid"), (BEST, "es256"), 0.1),
    goal("refuse an expired token, against its own accept", (BEST, "expired"), (BEST, "es256"), 0.1),
];

/// One cell of the table.
pub(crate) struct Cell {
    pub(crate) peer: &'static str,
    pub(crate) work: &'static str,
    pub(crate) threads: usize,
    version: String,
    /// Nanoseconds a token, one for each round.
    times: Vec<f64>,
    absent: Option<String>,
}

impl Cell {
    /// The median of the rounds.
    pub(crate) fn median(&self) -> Option<f64> {
        let mut times = self.times.clone();
        times.sort_by(f64::total_cmp);
        times.get(times.len() / 2).copied()
    }
}

/// Everything that one run found.
pub(crate) struct Report {
    pub(crate) date: String,
    pub(crate) cpu: String,
    pub(crate) rounds: usize,
    /// Of the last minute before the first round: what else the machine was doing.
    pub(crate) load: String,
    pub(crate) cells: Vec<Cell>,
}

impl Report {
    fn cell(&self, peer: &str, work: &str, threads: usize) -> Option<&Cell> {
        let peer = match peer {
            BEST if self.cell(IFMA, work, threads).is_some_and(|cell| !cell.times.is_empty()) => IFMA,
            BEST => PORTABLE,
            _ => peer,
        };
        self.cells.iter().find(|cell| cell.peer == peer && cell.work == work && cell.threads == threads)
    }

    fn median(&self, peer: &str, work: &str, threads: usize) -> Option<f64> {
        self.cell(peer, work, threads)?.median()
    }
}

/// The tokens, minted by the program `corpus`, which must be built.
pub(crate) fn corpus() -> Result<PathBuf, Failure> {
    let corpus = target().join("bench-corpus");
    run(command(target().join("release/corpus")).arg(&corpus))?;
    Ok(corpus)
}

/// Builds everything, measures, and writes table, results and chart. `--rounds N` (15), `--only WORK`.
///
/// # Errors
/// What could not be built of Counterfoil itself, or a wrong verdict. A peer that cannot be built or installed is only told of.
pub(crate) fn bench(arguments: &[String]) -> Result<(), Failure> {
    let (rounds, only) = options(arguments)?;
    run(&mut cargo(["build", "--release", "--quiet", "--package", "counterfoil-benches", "--bin", "corpus", "--bin", "engine"]))?;
    let corpus = corpus()?;
    let mut programs: Vec<_> = PROGRAMS.iter().map(|(name, kind)| (*name, Running::start(name, *kind, &corpus))).collect();
    for (name, program) in &programs {
        if let Err(why) = program {
            eprintln!("absent: {name}: {why}");
        }
    }
    let load = std::fs::read_to_string("/proc/loadavg").ok().and_then(|text| Some(text.split(' ').next()?.to_owned()));
    let mut report = Report { date: today()?, cpu: cpu(), rounds, load: load.unwrap_or_default(), cells: Vec::new() };
    for (work, threads) in ROWS.into_iter().filter(|(work, _)| only.is_none_or(|only| only == *work)) {
        eprintln!("{work}, {threads} thread{}", if threads == 1 { "" } else { "s" });
        report.cells.extend(measure(&mut programs, work, threads, rounds));
    }
    if report.cells.is_empty() {
        return Err(format!("no work of that name; there are {:?}", ROWS.map(|(work, _)| work)));
    }
    print(&table(&report))?;
    let failed: Vec<&str> = report.cells.iter().filter(|cell| is_failure(cell)).map(|cell| cell.peer).collect();
    if !failed.is_empty() {
        return Err(format!("ended early, see target/bench-peers/*.log: {failed:?}"));
    }
    if only.is_none() { write_results(&report) } else { Ok(()) }
}

fn options(arguments: &[String]) -> Result<(usize, Option<&str>), Failure> {
    let (mut rounds, mut only) = (15, None);
    for pair in arguments.chunks(2) {
        match pair {
            [name, value] if name == "--rounds" => {
                rounds = value.parse().ok().filter(|rounds| *rounds > 0).ok_or(format!("{value:?} is no number of rounds"))?;
            }
            [name, value] if name == "--only" => only = Some(value.as_str()),
            _ => return Err("usage: cargo xtask bench [--rounds N] [--only WORK]".to_owned()),
        }
    }
    Ok((rounds, only))
}

/// One round after another, each program in turn, beginning with another one each time. Who has no answer is not asked again.
fn measure(programs: &mut [(&'static str, Result<Running, Failure>)], work: &'static str, threads: usize, rounds: usize) -> Vec<Cell> {
    let empty = |(peer, program): &(&'static str, Result<Running, Failure>)| {
        let absent = program.as_ref().err().cloned();
        Cell { peer, work, threads, version: String::new(), times: Vec::new(), absent }
    };
    let mut cells: Vec<Cell> = programs.iter().map(empty).collect();
    for round in 0..rounds {
        for turn in 0..programs.len() {
            let number = (turn + round) % programs.len();
            let (Some((_, Ok(program))), Some(cell)) = (programs.get_mut(number), cells.get_mut(number)) else { continue };
            if cell.absent.is_some() {
                continue;
            }
            match program.ask(work, threads) {
                Ok(answer) => {
                    cell.version = text_of(&answer, "version").unwrap_or_default();
                    match number_of(&answer, "ns_per_token") {
                        Some(time) => cell.times.push(time),
                        None => cell.absent = text_of(&answer, "absent").or(Some(ENDED.to_owned())),
                    }
                }
                Err(why) => cell.absent = Some(why),
            }
        }
    }
    cells
}

const ENDED: &str = "ended: a wrong verdict or a crash";

fn is_failure(cell: &Cell) -> bool {
    cell.absent.as_deref() == Some(ENDED)
}

/// A program that waits for commands.
struct Running {
    child: Child,
    commands: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Running {
    fn start(name: &str, kind: Kind, corpus: &Path) -> Result<Self, Failure> {
        let folder = target().join("bench-peers");
        std::fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
        let mut program = match kind {
            Kind::Engine(path) => {
                let mut program = command(target().join("release/engine"));
                program.arg(corpus).arg(path);
                program
            }
            Kind::Rust => with(command(build_rust(name, &folder)?), corpus),
            Kind::C => with(command(build_c(name, &folder)?), corpus),
            Kind::Node(package, arguments) => {
                let manifest = install_node(package, &folder)?;
                let mut program = command("node");
                program.arg(source(package).join("main.mjs")).arg(corpus).arg(manifest).args(arguments);
                program
            }
            Kind::Python => {
                let mut program = command(install_python(name, &folder)?);
                program.env("PYTHONDONTWRITEBYTECODE", "1").arg(source(name).join("main.py")).arg(corpus);
                program
            }
        };
        let log = std::fs::File::create(folder.join(name.replace('/', "-")).with_extension("log")).map_err(|error| error.to_string())?;
        program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log);
        let mut child = program.spawn().map_err(|error| format!("{program:?}: {error}"))?;
        let (commands, answers) = child.stdin.take().zip(child.stdout.take()).ok_or("pipes")?;
        Ok(Self { child, commands, answers: BufReader::new(answers) })
    }

    fn ask(&mut self, work: &str, threads: usize) -> Result<String, Failure> {
        let mut answer = String::new();
        let told = writeln!(self.commands, "{work} {threads}").and_then(|()| self.commands.flush());
        match told.and_then(|()| self.answers.read_line(&mut answer)) {
            // Half a line is what is left of a program that ended while it judged.
            Ok(_) if answer.ends_with("}\n") => Ok(answer),
            _ => Err(ENDED.to_owned()),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn with(mut program: Command, corpus: &Path) -> Command {
    program.arg(corpus);
    program
}

fn source(name: &str) -> PathBuf {
    root().join("benches/peers").join(name)
}

fn build_rust(name: &str, folder: &Path) -> Result<PathBuf, Failure> {
    let mut build = cargo(["build", "--release", "--locked", "--quiet"]);
    output(build.current_dir(source(name)).env("CARGO_TARGET_DIR", folder.join("cargo")))?;
    Ok(folder.join("cargo/release").join(name))
}

fn build_c(name: &str, folder: &Path) -> Result<PathBuf, Failure> {
    let flags = || output(command("pkg-config").args(["--cflags", "--libs", name]));
    let found = flags().or_else(|_| {
        let mut install = command("apt-get");
        output(
            install.args(["install", "-y", "--no-install-recommends", &format!("{name}-dev")]).env("DEBIAN_FRONTEND", "noninteractive"),
        )?;
        flags()
    })?;
    let package = format!("{name}-dev");
    let version = output(command("dpkg-query").args(["-W", "-f", "${Version}", &package]))
        .or_else(|_| output(command("pkg-config").args(["--modversion", name])))?;
    let program = folder.join(name);
    let mut build = command("cc");
    build.args(["-std=c11", "-O2", "-Wall", "-Wextra", "-Werror"]).arg(format!("-DLIBJWT_VERSION=\"{}\"", version.trim()));
    build.arg(source(name).join("main.c")).arg("-o").arg(&program).args(found.split_whitespace()).arg("-lpthread");
    output(&mut build)?;
    Ok(program)
}

/// Installs what the lock file pins, unless that was done before, and returns the manifest that modules are resolved from.
fn install_node(name: &str, folder: &Path) -> Result<PathBuf, Failure> {
    if !has("node") || !has("npm") {
        return Err("node and npm are not installed".to_owned());
    }
    let home = folder.join("node").join(name);
    let is_new = copy_if_changed(&source(name), &home, &["package.json", "package-lock.json"])?;
    if is_new || !home.join("node_modules").exists() {
        output(command("npm").args(["ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(&home))?;
    }
    Ok(home.join("package.json"))
}

fn install_python(name: &str, folder: &Path) -> Result<PathBuf, Failure> {
    if !has("python3") {
        return Err("python3 is not installed".to_owned());
    }
    let home = folder.join("python").join(name);
    let python = home.join("bin/python");
    if !python.exists() {
        output(command("python3").args(["-m", "venv"]).arg(&home))?;
    }
    let is_done = home.join("installed");
    if copy_if_changed(&source(name), &home, &["requirements.txt"])? || !is_done.exists() {
        output(command(&python).args(["-m", "pip", "install", "--quiet", "--no-deps", "-r"]).arg(home.join("requirements.txt")))?;
        std::fs::write(&is_done, "").map_err(|error| error.to_string())?;
    }
    Ok(python)
}

fn copy_if_changed(from: &Path, to: &Path, names: &[&str]) -> Result<bool, Failure> {
    std::fs::create_dir_all(to).map_err(|error| error.to_string())?;
    let mut is_changed = false;
    for name in names {
        let text = std::fs::read(from.join(name)).map_err(|error| format!("{name}: {error}"))?;
        if std::fs::read(to.join(name)).ok().as_ref() != Some(&text) {
            std::fs::write(to.join(name), text).map_err(|error| format!("{name}: {error}"))?;
            is_changed = true;
        }
    }
    Ok(is_changed)
}

/// A string member of one flat line of JSON, as the programs write them.
fn text_of(line: &str, name: &str) -> Option<String> {
    let (_, rest) = line.split_once(&format!(r#""{name}":""#))?;
    rest.split('"').next().map(str::to_owned)
}

fn number_of(line: &str, name: &str) -> Option<f64> {
    let (_, rest) = line.split_once(&format!(r#""{name}":"#))?;
    rest.split([',', '}']).next()?.parse().ok()
}

fn today() -> Result<String, Failure> {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|error| error.to_string())?.as_secs();
    // Days to a date of the Gregorian calendar, by eras of 400 years that begin in March.
    let days = seconds / 86_400 + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let (day, month) = (day_of_year - (153 * month + 2) / 5 + 1, if month < 10 { month + 3 } else { month - 9 });
    Ok(format!("{:04}-{month:02}-{day:02}", era * 400 + year_of_era + u64::from(month <= 2)))
}

/// The CPU's name, with family and model: cloud machines call very different ones by the same name.
fn cpu() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        let mut lines = text.lines().filter_map(|line| line.split_once(':'));
        lines.find(|(own, _)| own.trim() == name).map(|(_, value)| value.trim().to_owned())
    };
    match (field("model name"), field("cpu family"), field("model")) {
        (Some(name), Some(family), Some(model)) => format!("{name} (family {family}, model {model})"),
        (Some(name), ..) => name,
        _ => format!("unknown {}", std::env::consts::ARCH),
    }
}

/// How each goal came out.
fn verdict(report: &Report, goal: &Goal) -> (Option<f64>, String) {
    let ours = report.median(goal.ours.0, goal.ours.1, 1);
    let theirs = report.median(goal.theirs.0, goal.theirs.1, 1);
    match (ours, theirs) {
        (Some(ours), Some(theirs)) => {
            let ratio = ours / theirs;
            (Some(ratio), if ratio <= goal.times { "met" } else { "missed" }.to_owned())
        }
        (None, _) => (None, absence(report, goal.ours)),
        (_, None) => (None, format!("no peer: {}", absence(report, goal.theirs))),
    }
}

fn absence(report: &Report, (peer, work): (&str, &str)) -> String {
    let cell = report.cell(peer, work, 1);
    cell.and_then(|cell| cell.absent.clone()).unwrap_or_else(|| "not measured".to_owned())
}

fn table(report: &Report) -> String {
    let mut text =
        format!("\n{} · {} · median of {} rounds, interleaved · load before: {}\n", report.cpu, report.date, report.rounds, report.load);
    for (work, threads) in ROWS {
        let cells: Vec<&Cell> = report.cells.iter().filter(|cell| cell.work == work && cell.threads == threads).collect();
        if cells.is_empty() {
            continue;
        }
        let peer = if matches!(work, "first" | "es256+dpop") { "aws-lc-raw" } else { USUAL };
        let usual = report.median(peer, work, threads);
        let _ = writeln!(text, "\n{:<44}{:>12}{:>10}   against {peer}", format!("{work}, threads: {threads}"), "ns/token", "ratio");
        for cell in cells {
            let name = format!("{} {}", cell.peer, cell.version);
            let _ = match (cell.median(), usual) {
                (Some(time), Some(usual)) => writeln!(text, "  {name:<42}{time:>12.0}{:>9.3}×", time / usual),
                (Some(time), None) => writeln!(text, "  {name:<42}{time:>12.0}"),
                (None, _) => writeln!(text, "  {name:<42}{:>12}   {}", "–", cell.absent.as_deref().unwrap_or("not measured")),
            };
        }
    }
    let _ = writeln!(text, "\n{:<70}{:>8}{:>8}", "goal", "at most", "is");
    for goal in &GOALS {
        let (ratio, verdict) = verdict(report, goal);
        let is = ratio.map_or_else(|| "–".to_owned(), |ratio| format!("{ratio:.3}"));
        let _ = writeln!(text, "  {:<68}{:>8}{is:>8}  {verdict}", goal.what, goal.times);
    }
    text
}

fn print(text: &str) -> Result<(), Failure> {
    std::io::stdout().write_all(text.as_bytes()).map_err(|error| error.to_string())
}

fn write_results(report: &Report) -> Result<(), Failure> {
    let folder = root().join("benches/results");
    std::fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    let write = |name: String, text: &str| std::fs::write(folder.join(&name), text).map_err(|error| format!("{name}: {error}"));
    let words = report.cpu.to_lowercase();
    let words = words.split(|character: char| !character.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let name = format!("{}-{}", report.date, words.collect::<Vec<_>>().join("-"));
    let svg = chart::draw(report);
    write(format!("{name}.json"), &json(report))?;
    write(format!("{name}.svg"), &svg)?;
    write("latest.svg".to_owned(), &svg)?;
    print(&format!("\nbenches/results/{name}.json, .svg and latest.svg\n"))
}

fn json(report: &Report) -> String {
    let quoted = |text: &str| format!("\"{}\"", text.trim().replace('\\', "\\\\").replace('"', "\\\"").replace(['\n', '\r', '\t'], " "));
    let cells = report.cells.iter().map(|cell| {
        let outcome = match cell.median() {
            Some(time) => {
                let least = cell.times.iter().copied().fold(f64::INFINITY, f64::min);
                format!("\"ns_per_token\": {time:.1}, \"least\": {least:.1}")
            }
            None => format!("\"absent\": {}", quoted(cell.absent.as_deref().unwrap_or("not measured"))),
        };
        let (peer, version, work) = (quoted(cell.peer), quoted(&cell.version), quoted(cell.work));
        format!("    {{\"peer\": {peer}, \"version\": {version}, \"work\": {work}, \"threads\": {}, {outcome}}}", cell.threads)
    });
    let goals = GOALS.iter().map(|goal| {
        let (ratio, verdict) = verdict(report, goal);
        let ratio = ratio.map_or_else(|| "null".to_owned(), |ratio| format!("{ratio:.4}"));
        format!(
            "    {{\"goal\": {}, \"at_most\": {}, \"ratio\": {ratio}, \"verdict\": {}}}",
            quoted(goal.what),
            goal.times,
            quoted(&verdict)
        )
    });
    format!(
        "{{\n  \"date\": {},\n  \"cpu\": {},\n  \"rounds\": {},\n  \"load_before\": {},\n  \"rows\": [\n{}\n  ],\n  \"goals\": [\n{}\n  ]\n}}\n",
        quoted(&report.date),
        quoted(&report.cpu),
        report.rounds,
        quoted(&report.load),
        cells.collect::<Vec<_>>().join(",\n"),
        goals.collect::<Vec<_>>().join(",\n"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_programs_are_read() {
        let line = r#"{"peer":"p","version":"1","work":"es256","threads":1,"tokens":512,"ns_per_token":57600.5}"#;
        assert_eq!(text_of(line, "peer").as_deref(), Some("p"));
        assert_eq!(number_of(line, "ns_per_token"), Some(57_600.5));
        assert_eq!(number_of(r#"{"peer":"p","absent":"no PS256"}"#, "ns_per_token"), None);
    }

    #[test]
    fn a_median_is_the_middle_one_and_goals_follow_it() {
        let cell = |peer, times: &[f64]| {
            let times = times.to_vec();
            Cell { peer, work: "es256", threads: 1, version: String::new(), times, absent: Some("not on this CPU".to_owned()) }
        };
        let cells = vec![cell(PORTABLE, &[9.0, 2.0, 1.0]), cell(USUAL, &[10.0]), cell(IFMA, &[])];
        let report = Report { date: today().unwrap(), cpu: cpu(), rounds: 3, load: String::new(), cells };
        assert_eq!(report.median(PORTABLE, "es256", 1), Some(2.0));
        assert_eq!(verdict(&report, &GOALS[0]), (Some(0.2), "met".to_owned()));
        assert_eq!(verdict(&report, &GOALS[1]), (None, "not on this CPU".to_owned()));
        assert_eq!(report.median(BEST, "es256", 1), Some(2.0));
        assert!(chart::draw(&report).ends_with("</svg>\n"));
    }
}
