//! `cargo xtask fuzz [seconds]`: every fuzz target for so long, from its committed corpus.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use crate::step::{Failure, Outcome, has, output, root};

/// Runs every target of `core/fuzz` for `seconds` each. What the fuzzers keep lies in `core/fuzz/corpus-new`, what breaks a target in
/// `core/fuzz/artifacts`.
pub(crate) fn fuzz_seconds(seconds: u64) -> Result<Outcome, Failure> {
    if !has("cargo-fuzz") {
        return Ok(Outcome::Skipped("cargo-fuzz is not installed (cargo install cargo-fuzz)".to_owned()));
    }
    let folder = root().join("core/fuzz");
    // Once for all targets; an error of the build is no finding.
    output(&mut cargo_fuzz(&folder, &["build"]))?;
    let mut runs = Vec::new();
    let mut findings = Vec::new();
    for target in targets(&folder)? {
        match run_target(&folder, &target, seconds) {
            Ok(executions) => runs.push(format!("{target} {executions}")),
            Err(why) => findings.push(format!("{target}: {why}")),
        }
    }
    if findings.is_empty() {
        Ok(Outcome::Passed(format!("{seconds} s each; executions: {}", runs.join(", "))))
    } else {
        Err(format!("{} of {} targets do not hold:\n{}", findings.len(), findings.len() + runs.len(), findings.join("\n")))
    }
}

/// How many inputs were executed; the end of what the fuzzer printed if one of them broke the target.
fn run_target(folder: &Path, target: &str, seconds: u64) -> Result<u64, Failure> {
    let found = folder.join("corpus-new").join(target);
    std::fs::create_dir_all(&found).map_err(|error| format!("{}: {error}", found.display()))?;
    let mut command = cargo_fuzz(folder, &["run", target]);
    command.args([&found, &folder.join("corpus").join(target)]);
    command.args(["--", "-print_final_stats=1", "-timeout=10", &format!("-max_total_time={seconds}")]);
    let ran = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    let text = String::from_utf8_lossy(&ran.stderr);
    if !ran.status.success() {
        return Err(excerpt(&text));
    }
    let executions = text.lines().find_map(|line| line.strip_prefix("stat::number_of_executed_units:")?.trim().parse().ok());
    executions.ok_or_else(|| format!("the fuzzer did not say what it executed: {}", excerpt(&text)))
}

/// The panic's own lines and where the input lies, or else the end.
fn excerpt(text: &str) -> String {
    let tells = |line: &&str| line.contains("panicked at") || line.contains("assertion") || line.contains("Test unit written to");
    let told: Vec<_> = text.lines().filter(tells).collect();
    if told.is_empty() {
        text.lines().rev().take(20).collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>().join("\n")
    } else {
        told.join("\n")
    }
}

/// With nightly where rustup has it, and otherwise with the compiler at hand, whose unstable options are let through.
fn cargo_fuzz(folder: &Path, arguments: &[impl AsRef<OsStr>]) -> Command {
    let mut command = crate::step::command("cargo");
    // Cargo has named its own toolchain to this program; the choice is made anew.
    command.env_remove("RUSTUP_TOOLCHAIN").env_remove("CARGO").env_remove("RUSTC");
    let nightly = Command::new("rustup").args(["run", "nightly", "rustc", "--version"]).output();
    if nightly.is_ok_and(|output| output.status.success()) {
        command.arg("+nightly");
    } else {
        command.env("RUSTC_BOOTSTRAP", "1");
    }
    let Some((verb, rest)) = arguments.split_first() else { return command };
    command.arg("fuzz").arg(verb).arg("--fuzz-dir").arg(folder).args(rest);
    command
}

/// The targets that the manifest lists; `core/tests/corpus.rs` holds the list to the bodies.
fn targets(folder: &Path) -> Result<Vec<String>, Failure> {
    let listed = output(&mut cargo_fuzz(folder, &["list"]))?;
    let names: Vec<String> = listed.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect();
    if names.is_empty() { Err("cargo fuzz lists no target".to_owned()) } else { Ok(names) }
}
