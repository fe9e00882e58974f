//! What a newcomer sees first: tokens judged by the engine, and the whole way of a token through server, gateway and API.

use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};

use crate::nginx;
use crate::step::{Failure, Outcome, cargo, command, has, output, run, target};

/// `demo [engine | --stay [PORT]]`.
pub(crate) fn demo(arguments: &[String]) -> Result<(), Failure> {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    if !matches!(arguments.as_slice(), [] | ["engine"] | ["--stay"] | ["--stay", _]) {
        return Err("demo takes nothing, engine, or --stay and perhaps a port".to_owned());
    }
    run(&mut cargo(["run", "--release", "--quiet", "--package", "counterfoil", "--example", "demo"]))?;
    if arguments == ["engine"] {
        return Ok(());
    }
    eprintln!("\nBuilding the server: the first time, this takes a few minutes.");
    run(&mut build())?;
    let with_module = nginx::why_no_module().is_none();
    if with_module {
        eprintln!("Building the module for nginx.");
        nginx::build()?;
    }
    // In this process's place, so that a Ctrl-C is waited for by nobody but the demo itself.
    Err(walk(&arguments, with_module).exec().to_string())
}

/// As the tests of the server build them, too.
fn build() -> Command {
    cargo(["build", "--package", "counterfoil-server", "--bins", "--example", "walk"])
}

fn walk(arguments: &[&str], with_module: bool) -> Command {
    let mut walk = command(target().join("debug/examples/walk"));
    walk.args(arguments).env("COUNTERFOIL_SERVER", target().join("debug/counterfoil-server")).env_remove("COUNTERFOIL_MODULE");
    if with_module {
        walk.env("COUNTERFOIL_MODULE", nginx::module_file());
    }
    walk
}

/// The walk with the engine and with nginx, and what one may try by hand while it stays.
pub(crate) fn step() -> Result<Outcome, Failure> {
    output(build().arg("--quiet"))?;
    let told = output(&mut walk(&[], false))?;
    judge(&told, "with the engine in it")?;
    if let Some(why) = nginx::why_no_module() {
        return Ok(Outcome::Absent(why));
    }
    if !has("curl") {
        return Ok(Outcome::Absent("curl is not installed".to_owned()));
    }
    nginx::build()?;
    stay()?;
    Ok(Outcome::Passed("6 ways of a token by the engine, 6 by nginx and 6 by hand".to_owned()))
}

/// Six rows of the table, each with its refusal, where the API is as it should be.
fn judge(told: &str, api: &str) -> Result<(), Failure> {
    let is_row = |line: &&str| line.starts_with("mTLS ") || line.starts_with("DPoP ");
    let rows = told.lines().filter(is_row).filter(|line| line.contains(" 200 ") && line.contains(" 401 ")).count();
    if rows == 6 && told.contains(api) { Ok(()) } else { Err(format!("{rows} rows instead of 6, or not {api}:\n{told}")) }
}

/// Stays, does what is said there, and ends it as a reader would.
fn stay() -> Result<(), Failure> {
    let mut stay = walk(&["--stay", "0"], true);
    let mut child = stay.stdout(Stdio::piped()).spawn().map_err(|error| format!("{stay:?}: {error}"))?;
    let lines = child.stdout.take().map(BufReader::new).into_iter().flat_map(|stdout| stdout.lines().map_while(Result::ok));
    let mut told = String::new();
    for line in lines {
        told += &format!("{line}\n");
        if line.starts_with("Ctrl-C") {
            break;
        }
    }
    let tried = judge(&told, "nginx with the module in front").and_then(|()| by_hand(&told));
    let folder = told.lines().find_map(|line| line.strip_prefix("  cd ")).map(std::path::PathBuf::from);
    let interrupted = output(command("sh").args(["-c", &format!("kill -INT {}", child.id())]));
    let ended = child.wait().map_err(|error| error.to_string())?;
    tried?;
    interrupted?;
    match folder {
        Some(folder) if ended.success() && !folder.exists() => Ok(()),
        _ => Err(format!("{ended} after Ctrl-C, or its folder is still there:\n{told}")),
    }
}

/// The lines of the shell, as they stand there.
fn by_hand(told: &str) -> Result<(), Failure> {
    let lines = told.lines().filter(|line| line.starts_with("  cd ") || line.starts_with("  curl "));
    let script: Vec<String> = lines.map(|line| line.replace("  curl ", "  curl --silent --show-error --fail ")).collect();
    let answers = output(command("sh").args(["-ec", &script.join("\n")]))?;
    let count = answers.matches("\"balance\"").count();
    if count == 6 { Ok(()) } else { Err(format!("{count} answers of the API by hand instead of 6:\n{answers}")) }
}
