//! `cargo xtask TASK`: the only task runner.

mod bench;
mod c_library;
mod chart;
mod conformance;
mod counts;
mod demo;
mod embedded;
mod fuzz;
mod languages;
mod nginx;
mod node;
mod python;
mod server;
mod step;

use std::process::ExitCode;

use step::{Failure, Outcome, Step, cargo, output, run, run_all};

const USAGE: &str = "usage: cargo xtask TASK

  demo             judge a dozen real tokens and print decision, code, HTTP answer and time; then start server, gateway and API on this
                   machine and take a token of each kind all the way, a thief's tries included, printing each step
  demo engine      the first part alone
  demo --stay [PORT]
                   keep it up at PORT (8443) and the next two, and print what to try in a browser and by curl
  install --prefix DIR
                   build libcounterfoil and install header, libraries, pkg-config file and CMake package
  test [STEP…]     everything that must hold; or a group of steps (engine, gateways, bindings, server), or single ones by how their names begin
  vectors          mint core/vectors again with the scripts in core/vectors/mint
  fuzz [SECONDS]   run every fuzz target for so long (60)
  bench [--rounds N] [--only WORK]
                   side by side with every peer, by interleaved rounds
  bench gateway    what the nginx module adds to a request, beside auth_request to Node with jose
  bench server [--rounds N] [--seconds N] [--flows N] [--results FILE]
                   requests a second of the authorization server beside oidc-provider
  bench languages [--memory]
                   the packages for other languages beside what their users use today
  criterion        criterion benches of every entry point
  conformance [--suite URL] [--only NAME]… [--beside N] [--authority FILE] [--markets] [--write]
                   the OpenID Foundation's conformance suite, which runs at URL (https://localhost.emobix.co.uk:8443), against the server: all
                   variants, or those whose name has NAME in it; N at the same time; FILE has the authority that vouches for the suite where it is notified
                   (ping); with --markets the rows of markets instead; docs/conformance.md, or conformance-markets.md, is written when all ran, or
                   with --write";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let task = arguments.next();
    let rest: Vec<String> = arguments.collect();
    let result = match (task.as_deref(), rest.as_slice()) {
        (Some("demo"), arguments) => demo::demo(arguments),
        (Some("test"), names) => test(names),
        (Some("install"), arguments) => c_library::install_from(arguments),
        (Some("vectors"), []) => run(step::command("bash").arg("core/vectors/mint/mint.sh")),
        (Some("fuzz"), seconds @ ([] | [_])) => fuzz_for(seconds.first().map_or("60", String::as_str)),
        (Some("bench"), [name]) if name == "gateway" => nginx::bench(),
        (Some("bench"), [name, arguments @ ..]) if name == "server" => server::bench(arguments),
        (Some("bench"), [name, arguments @ ..]) if name == "languages" => languages::run_all(arguments),
        (Some("bench"), arguments) => bench::bench(arguments),
        (Some("conformance"), arguments) => conformance::conformance(arguments),
        (Some("criterion"), []) => run(&mut cargo(["bench", "--package", "counterfoil-benches"])),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("xtask: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// The packages whose tests are the engine's.
const ENGINE: [&str; 8] =
    ["--package", "counterfoil", "--package", "counterfoil-benches", "--package", "counterfoil-hot", "--package", "xtask"];

/// The engine and what proves it.
const STEPS: &[Step] = &[
    Step { name: "engine: format", run: || quiet(cargo(["fmt", "--all", "--check"])) },
    Step { name: "engine: clippy", run: || quiet(clippy(&ENGINE)) },
    Step { name: "engine: dependencies", run: dependencies },
    Step { name: "engine: tests", run: || shown(tests(&ENGINE)) },
    Step {
        name: "engine: the structured test can fail",
        run: || {
            let features = ["--features", "inject-pitfall-2", "--test", "structured_ecdsa"];
            let mut test = cargo(["test", "--quiet", "--package", "counterfoil"]);
            test.args(features);
            quiet(test)
        },
    },
    Step { name: "engine: without the vector files", run: without_vectors },
    Step { name: "engine: differential against jsonwebtoken", run: differential },
    Step { name: "engine: doctests", run: || shown(cargo(["test", "--package", "counterfoil", "--quiet", "--doc"])) },
    Step { name: "engine: documentation", run: || documentation(&["--package", "counterfoil"]) },
    Step { name: "engine: demo", run: || quiet(cargo(["run", "--quiet", "--package", "counterfoil", "--example", "demo"])) },
    Step { name: "engine: freestanding link", run: embedded::freestanding },
    Step { name: "engine: Cortex-M4 in qemu", run: embedded::cortex_m },
    Step { name: "engine: wasm32 in Node", run: embedded::wasm },
    Step { name: "engine: instructions of the hot paths", run: counts::instructions },
    Step {
        name: "engine: benches assert their verdicts",
        // Without `--bench`, criterion runs each bench once.
        run: || quiet(cargo(["test", "--quiet", "--package", "counterfoil-benches", "--benches"])),
    },
    Step { name: "gateways: the engine with memory, and the C header", run: gateway },
    Step { name: "gateways: the nginx module", run: nginx::module },
];

/// Steps whose builds have folders of their own: one crate after the other, while the others' tests run.
const BESIDE: [&str; 5] = [
    "engine: freestanding link",
    "engine: Cortex-M4 in qemu",
    "engine: wasm32 in Node",
    "engine: instructions of the hot paths",
    "gateways: C without std and heap",
];

/// All steps, or those whose group or name begins so.
fn test(names: &[String]) -> Result<(), Failure> {
    let is_called = |step: &Step, name: &str| {
        let own = step.name.split_once(": ").map_or(step.name, |(_, own)| own);
        step.name.starts_with(name) || own.starts_with(name)
    };
    let wanted = |step: &&Step| names.is_empty() || names.iter().any(|name| is_called(step, name));
    let all = || STEPS.iter().chain(c_library::STEPS).chain(python::STEPS).chain(node::STEPS).chain(server::STEPS);
    let steps: Vec<&Step> = all().filter(wanted).collect();
    if steps.is_empty() {
        return Err(format!("no step is called that; there are: {}", all().map(|step| step.name).collect::<Vec<_>>().join(", ")));
    }
    let (beside, steps): (Vec<&Step>, Vec<&Step>) = steps.into_iter().partition(|step| BESIDE.contains(&step.name));
    if run_all(&steps, &beside) { Ok(()) } else { Err("not all steps passed".to_owned()) }
}

fn clippy(packages: &[&str]) -> std::process::Command {
    let mut clippy = cargo(["clippy", "--quiet", "--all-targets"]);
    clippy.args(packages).args(["--", "-D", "warnings"]);
    clippy
}

fn tests(packages: &[&str]) -> std::process::Command {
    let mut test = cargo(["test", "--quiet"]);
    test.args(packages).args(["--lib", "--tests", "--bins", "--examples"]);
    test
}

/// For a command that says nothing of interest unless it fails.
fn quiet(mut command: std::process::Command) -> Result<Outcome, Failure> {
    output(&mut command).map(|_| Outcome::Passed(String::new()))
}

fn shown(mut command: std::process::Command) -> Result<Outcome, Failure> {
    run(&mut command).map(|()| Outcome::Passed(String::new()))
}

/// Both packages, in one build.
fn gateway() -> Result<Outcome, Failure> {
    const PACKAGES: [&str; 6] = [
        "--package",
        "counterfoil-gateway",
        "--package",
        "counterfoil-ffi",
        "--features",
        "counterfoil-gateway/settings,counterfoil-gateway/aws-lc-rs",
    ];
    quiet(clippy(&PACKAGES))?;
    documentation(&PACKAGES)?;
    let mut test = cargo(["test", "--quiet"]);
    test.args(PACKAGES);
    shown(test)
}

/// Licences, advisories and sources of every dependency, by deny.toml.
fn dependencies() -> Result<Outcome, Failure> {
    if !step::has("cargo-deny") {
        return Ok(Outcome::Skipped("cargo-deny is not installed (cargo install cargo-deny)".to_owned()));
    }
    quiet(cargo(["deny", "check", "licenses", "bans", "sources"]))
}

/// What goes through the choice of a path, in a build that has only one. The kernels' own tests name their paths and need no second run.
fn without_vectors() -> Result<Outcome, Failure> {
    let mut test = cargo(["test", "--quiet", "--package", "counterfoil", "--features", "portable"]);
    test.args(["--test", "vectors", "--test", "wycheproof", "--test", "corpus", "--test", "zero_alloc"]);
    quiet(test)
}

/// A workspace of its own: see there.
fn differential() -> Result<Outcome, Failure> {
    let mut test = cargo(["test", "--quiet", "--manifest-path", "benches/differential/Cargo.toml"]);
    test.env("CARGO_TARGET_DIR", step::root().join("target"));
    shown(test)
}

pub(crate) fn documentation(packages: &[&str]) -> Result<Outcome, Failure> {
    let mut doc = cargo(["doc", "--quiet", "--no-deps"]);
    doc.args(packages).env("RUSTDOCFLAGS", "-D warnings");
    quiet(doc)
}

fn fuzz_for(seconds: &str) -> Result<(), Failure> {
    let seconds = seconds.parse().map_err(|_| format!("{seconds:?} is no number of seconds"))?;
    match fuzz::fuzz_seconds(seconds)? {
        Outcome::Passed(detail) => {
            eprintln!("{detail}");
            Ok(())
        }
        Outcome::Absent(why) | Outcome::Skipped(why) => Err(why),
    }
}
