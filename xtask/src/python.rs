//! The package for Python: installed as a user installs it, and tested from the side of Python.

use std::path::PathBuf;

use crate::step::{Failure, Outcome, Step, cargo, command, has, output, root, target};

pub(crate) const STEPS: &[Step] = &[Step { name: "bindings: Python", run: python }];

/// A Python with the package, built from this tree with these features, and what its tests need.
pub(crate) fn environment(features: &str) -> Result<PathBuf, Failure> {
    let home = target().join("python");
    let python = home.join("bin/python");
    if !python.exists() {
        output(command("python3").args(["-m", "venv"]).arg(&home))?;
    }
    let install = |arguments: &[&str]| {
        let mut pip = command(&python);
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(arguments);
        // One folder of builds for all: what the engine needs is built once.
        pip.env("CARGO_TARGET_DIR", target()).env("MATURIN_PEP517_ARGS", format!("--features={features}"));
        output(&mut pip).map(drop)
    };
    install(&["-r", "bindings-python/tests/requirements.txt"])?;
    install(&["--force-reinstall", "--no-deps", "./bindings-python"])?;
    Ok(python)
}

fn python() -> Result<Outcome, Failure> {
    if !has("python3") {
        return Ok(Outcome::Absent("python3 is not installed".to_owned()));
    }
    output(cargo(["clippy", "--quiet", "--package", "counterfoil-python", "--features", "inject-panic"]).args(["--", "-D", "warnings"]))?;
    let python = environment("inject-panic")?;
    let mut tests = command(&python);
    tests.env("CARGO_TARGET_DIR", target());
    tests.args(["-W", "error::ResourceWarning", "-m", "unittest", "discover", "-s", "."]).current_dir(root().join("bindings-python/tests"));
    let vectors = output(&mut tests)?;
    let mut types = command(&python);
    output(types.args(["-m", "mypy", "--strict", "bindings-python/python/counterfoil"]))?;
    Ok(Outcome::Passed(vectors.trim().replace('\n', "; ")))
}
