//! Steps of `cargo xtask test`: each passes, fails, or is skipped with a reason. Under `CI=true` nothing may be absent.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

/// What a step came to when it did not fail.
pub(crate) enum Outcome {
    /// It ran and all was good; what it measured, if anything.
    Passed(String),
    /// What it needs is absent here; an error under `CI=true`.
    Absent(String),
    /// A tool that only lints and takes minutes to build is absent; tolerated everywhere.
    Skipped(String),
}

/// A failure, in words.
pub(crate) type Failure = String;

/// One step.
pub(crate) struct Step {
    pub(crate) name: &'static str,
    pub(crate) run: fn() -> Result<Outcome, Failure>,
}

/// How many steps passed, failed and were skipped.
#[derive(Default)]
struct Tally {
    passed: usize,
    failed: usize,
    skipped: usize,
}

/// Runs all steps, those `beside` at the same time as the others, tells of each, and says whether all were good.
pub(crate) fn run_all(steps: &[&Step], beside: &[&Step]) -> bool {
    let (mut tally, other) = std::thread::scope(|scope| {
        let other = scope.spawn(|| run_in_turn(beside));
        (run_in_turn(steps), other.join())
    });
    match other {
        Ok(other) => {
            tally.passed += other.passed;
            tally.failed += other.failed;
            tally.skipped += other.skipped;
        }
        Err(_) => tally.failed += 1,
    }
    eprintln!("\n{} passed, {} failed, {} skipped", tally.passed, tally.failed, tally.skipped);
    tally.failed == 0
}

fn run_in_turn(steps: &[&Step]) -> Tally {
    let in_ci = std::env::var_os("CI").is_some_and(|value| value == "true");
    let mut tally = Tally::default();
    for step in steps {
        eprintln!("── {}", step.name);
        let start = Instant::now();
        let outcome = (step.run)();
        let seconds = start.elapsed().as_secs_f64();
        match outcome {
            Ok(Outcome::Passed(detail)) => {
                tally.passed += 1;
                eprintln!("   ok {} ({seconds:.1} s) {detail}", step.name);
            }
            Ok(Outcome::Absent(why)) if in_ci => {
                tally.failed += 1;
                eprintln!("   FAILED {}: absent under CI: {why}", step.name);
            }
            Ok(Outcome::Absent(why) | Outcome::Skipped(why)) => {
                tally.skipped += 1;
                eprintln!("   SKIP {}: {why}", step.name);
            }
            Err(why) => {
                tally.failed += 1;
                eprintln!("   FAILED {} ({seconds:.1} s): {why}", step.name);
            }
        }
    }
    tally
}

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}

/// cargo's target folder.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |target| root().join(target))
}

/// A command in the repository's root, with cargo's own variables for this program taken away.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root()).stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("CARGO_PKG_") || name == "CARGO_MANIFEST_DIR") {
            command.env_remove(name);
        }
    }
    command
}

/// `cargo` with these arguments.
pub(crate) fn cargo<const N: usize>(arguments: [&str; N]) -> Command {
    let mut command = command(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments);
    command
}

/// Runs a command whose output the user sees.
pub(crate) fn run(command: &mut Command) -> Result<(), Failure> {
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{command:?}: {status}")),
        Err(error) => Err(format!("{command:?}: {error}")),
    }
}

/// Runs a command and returns what it printed to standard output; what it printed is in the failure otherwise.
pub(crate) fn output(command: &mut Command) -> Result<String, Failure> {
    let output = command.stderr(Stdio::piped()).output().map_err(|error| format!("{command:?}: {error}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() {
        return Ok(text(&output.stdout));
    }
    Err(format!("{command:?}: {}\n{}{}", output.status, text(&output.stdout), text(&output.stderr)))
}

/// Whether a program is there.
pub(crate) fn has(program: &str) -> bool {
    Command::new(program).arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

/// Whether a Rust target can be built for, adding it where rustup can.
pub(crate) fn has_target(target: &str) -> bool {
    let installed = |list: &str| list.lines().any(|line| line == target);
    let list = || output(Command::new("rustup").args(["target", "list", "--installed"]).stdin(Stdio::null())).unwrap_or_default();
    installed(&list()) || {
        let _ = output(Command::new("rustup").args(["target", "add", target]).stdin(Stdio::null()));
        installed(&list())
    }
}

/// Whether a program is there, installing its Debian package where that can be done.
pub(crate) fn has_or_install(program: &str, package: &str) -> bool {
    has(program) || {
        let mut install = Command::new("apt-get");
        install.args(["install", "-y", "--no-install-recommends", package]).env("DEBIAN_FRONTEND", "noninteractive");
        let _ = output(install.stdin(Stdio::null()));
        has(program)
    }
}
