//! The package for Node: installed as a user installs it, and tested from the side of JavaScript.

use crate::step::{Failure, Outcome, Step, cargo, command, has, output, target};

pub(crate) const STEPS: &[Step] = &[Step { name: "bindings: Node", run: node }];

/// The package with what its tests and benches need, its engine built from this tree with these features.
pub(crate) fn install(features: &str) -> Result<(), Failure> {
    let mut install = command("npm");
    install.args(["ci", "--no-audit", "--no-fund", "--prefix", "bindings-node"]);
    // One folder of builds for all: what the engine needs is built once.
    install.env("CARGO_TARGET_DIR", target()).env("COUNTERFOIL_FEATURES", features);
    output(&mut install).map(drop)
}

fn node() -> Result<Outcome, Failure> {
    for program in ["node", "npm"] {
        if !has(program) {
            return Ok(Outcome::Absent(format!("{program} is not installed")));
        }
    }
    output(cargo(["clippy", "--quiet", "--package", "counterfoil-node", "--features", "inject-panic"]).args(["--", "-D", "warnings"]))?;
    install("inject-panic")?;
    let mut tests = command("npm");
    tests.args(["--silent", "--prefix", "bindings-node", "test"]).env("CARGO_TARGET_DIR", target());
    let told = output(&mut tests)?;
    let tally = told.lines().filter(|line| ["# pass ", "# skipped "].iter().any(|start| line.starts_with(start)));
    Ok(Outcome::Passed(tally.collect::<Vec<_>>().join(", ").replace("# ", "")))
}
