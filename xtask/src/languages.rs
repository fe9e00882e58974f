//! `cargo xtask bench languages`: the packages beside what their users use today.

use crate::step::{Failure, cargo, command, run, target};
use crate::{bench, node, python};

/// Runs each language's comparison over the corpus of the engine's; with `--memory`, ten million verdicts in each instead.
pub(crate) fn run_all(arguments: &[String]) -> Result<(), Failure> {
    run(&mut cargo(["build", "--release", "--quiet", "--package", "counterfoil-benches", "--bin", "corpus"]))?;
    let corpus = bench::corpus()?;
    let mut compare = command(python::environment("")?);
    run(compare.arg("bindings-python/bench/compare.py").arg(&corpus).args(arguments).env("CARGO_TARGET_DIR", target()))?;
    node::install("")?;
    let compare = |mode: &[String]| run(command("node").args(["--expose-gc", "bindings-node/bench/compare.mjs"]).arg(&corpus).args(mode));
    compare(arguments)?;
    if !arguments.is_empty() {
        return Ok(());
    }
    // And as it is on a machine without the vector unit.
    node::install("counterfoil/portable")?;
    compare(&["--portable".to_owned()])?;
    node::install("")
}
