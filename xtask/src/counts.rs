//! Instructions of the hot paths, counted by callgrind and held to a record in the repository.
//!
//! Valgrind knows neither AVX-512 nor SHA-NI, so these are the portable paths, with SHA-256 in software. Counts depend on the compiler: the
//! record names it. The counts of two lengths of a run are subtracted, so that start-up and the preparation of keys do not matter.

use core::fmt::Write as _;
use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::step::{Failure, Outcome, cargo, command, has_or_install, output, root, target};

/// Judgements of the shorter run, in which keys are seen and caches filled, and how many more the longer one has.
const FIRST: u64 = 8;
const MORE: u64 = 16;
/// Per mille that a count may grow by.
const MAY_GROW: u64 = 20;
const RENEW: &str = "UPDATE=1 cargo xtask test instructions";

/// The C library copies memory in a way that depends on the CPU; by `rep movs`, each step of which would count. So it takes SSE2 on all.
const PLAIN_COPIES: &str = "glibc.cpu.hwcaps=-AVX2,-AVX,-AVX_Fast_Unaligned_Load,-ERMS,-FSRM,-SSSE3";

/// Counts anew; with `UPDATE=1` that becomes the record.
///
/// # Errors
/// A path whose count grew by more than 2 %, or that is not in the record.
pub(crate) fn instructions() -> Result<Outcome, Failure> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        return Ok(Outcome::Skipped("the record is of Linux on x86-64".to_owned()));
    }
    let compiler = output(command("rustc").arg("--version"))?.trim().to_owned();
    let is_update = std::env::var_os("UPDATE").is_some();
    let text = std::fs::read_to_string(record()).unwrap_or_default();
    let known = read(&text);
    if !is_update && !text.lines().any(|line| line == compiler) {
        return Ok(Outcome::Skipped(format!("the record is not of {compiler}; renew it with {RENEW}")));
    }
    if !has_or_install("valgrind", "valgrind") {
        return Ok(Outcome::Absent("valgrind is not installed".to_owned()));
    }
    let counted = count_all()?;
    if is_update {
        return write(&compiler, &counted).map(|()| Outcome::Passed("record renewed".to_owned()));
    }
    judge(&known, &counted)
}

fn record() -> PathBuf {
    root().join("benches/hot/instructions.txt")
}

/// Lines of a name and a number; the others explain.
fn read(text: &str) -> BTreeMap<String, u64> {
    text.lines().filter_map(|line| line.split_once(' ')).filter_map(|(name, count)| Some((name.to_owned(), count.parse().ok()?))).collect()
}

fn write(compiler: &str, counted: &[(String, u64)]) -> Result<(), Failure> {
    let mut text = format!("# Instructions a judgement on the portable paths, by callgrind. {RENEW}\n{compiler}\n");
    for (path, count) in counted {
        let _ = writeln!(text, "{path} {count}");
    }
    std::fs::write(record(), text).map_err(|error| format!("{}: {error}", record().display()))
}

fn judge(known: &BTreeMap<String, u64>, counted: &[(String, u64)]) -> Result<Outcome, Failure> {
    let (mut grown, mut shrunk) = (Vec::new(), Vec::new());
    for (path, count) in counted {
        let Some(before) = known.get(path) else { return Err(format!("{path} is not in the record: {RENEW}")) };
        let change = format!("{path} {before} → {count}");
        if count * 1000 > before * (1000 + MAY_GROW) {
            grown.push(change);
        } else if count * (1000 + MAY_GROW) < before * 1000 {
            shrunk.push(change);
        }
    }
    if !grown.is_empty() {
        return Err(format!(
            "more than 2 % more instructions: {}; if that is worth it, say why in the commit of {RENEW}",
            grown.join(", ")
        ));
    }
    let all: Vec<String> = counted.iter().map(|(path, count)| format!("{path} {count}")).collect();
    let detail = if shrunk.is_empty() { all.join(", ") } else { format!("fewer: {}; renew the record: {RENEW}", shrunk.join(", ")) };
    Ok(Outcome::Passed(detail))
}

/// Each path's instructions a judgement.
fn count_all() -> Result<Vec<(String, u64)>, Failure> {
    let mut build = cargo(["build", "--release", "--quiet", "--package", "counterfoil-hot"]);
    output(build.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS"))?;
    let program = target().join("release/counterfoil-hot");
    let listed = command(&program).output().map_err(|error| error.to_string())?;
    let listed = String::from_utf8_lossy(&listed.stderr).into_owned();
    let paths: Vec<&str> = listed.lines().skip(1).collect();
    let count = |path: &str, judgements: u64| {
        let mut valgrind = command("valgrind");
        // the environment lies on the stack and moves what is above it
        valgrind.env_clear().env("GLIBC_TUNABLES", PLAIN_COPIES).args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
        let told = told_by(valgrind.arg(&program).args([path, &judgements.to_string()]))?;
        let count = told.lines().find_map(|line| line.split_once("Collected : ")?.1.trim().parse::<u64>().ok());
        count.ok_or_else(|| format!("callgrind told no count:\n{told}"))
    };
    let judgement = |path: &&str| Ok(((*path).to_owned(), (count(path, FIRST + MORE)? - count(path, FIRST)?) / MORE));
    paths.iter().map(judgement).collect()
}

/// What a program that ended well printed to standard error.
fn told_by(command: &mut std::process::Command) -> Result<String, Failure> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() { Ok(told) } else { Err(format!("{command:?}: {}\n{told}", output.status)) }
}
