//! The authorization server: in process, on real sockets, and with what talks to it in the world.

use crate::documentation;
use crate::step::{Failure, Outcome, Step, cargo, command, has, output, root, run, target};

pub(crate) const STEPS: &[Step] = &[
    Step { name: "server: every module and attack", run: server },
    Step { name: "server: demo", run: crate::demo::step },
    Step { name: "server: Node clients, and pages in Chromium", run: node_clients },
    Step { name: "server: Python clients", run: python_clients },
];

/// Lints, documentation and tests of the package.
fn server() -> Result<Outcome, Failure> {
    output(cargo(["clippy", "--quiet", "--package", "counterfoil-server", "--all-targets"]).args(["--", "-D", "warnings"]))?;
    documentation(&["--package", "counterfoil-server"])?;
    run(&mut cargo(["test", "--quiet", "--package", "counterfoil-server"])).map(|()| Outcome::Passed(String::new()))
}

/// What the scripts in `server/tests/clients/node` import.
pub(crate) fn client_packages() -> Result<(), Failure> {
    output(command("npm").args(["ci", "--no-audit", "--no-fund", "--prefix", "server/tests/clients/node"])).map(drop)
}

/// openid-client, oauth4webapi and a browser against the binary, over TLS.
fn node_clients() -> Result<Outcome, Failure> {
    for program in ["node", "npm", "openssl", "chromium"] {
        if !has(program) {
            return Ok(Outcome::Absent(format!("{program} is not installed")));
        }
    }
    output(&mut cargo(["build", "--quiet", "--package", "counterfoil-server"]))?;
    client_packages()?;
    let mut tests = command("npm");
    tests.args(["--silent", "--prefix", "server/tests/clients/node", "test"]);
    tests.env("COUNTERFOIL_SERVER", target().join("debug/counterfoil-server"));
    let told = output(&mut tests)?;
    let tally = told.lines().filter(|line| line.starts_with("# pass "));
    Ok(Outcome::Passed(tally.collect::<Vec<_>>().join(", ").replace("# ", "")))
}

/// requests-oauth2client and Authlib against the binary, over TLS.
fn python_clients() -> Result<Outcome, Failure> {
    for program in ["python3", "openssl"] {
        if !has(program) {
            return Ok(Outcome::Absent(format!("{program} is not installed")));
        }
    }
    output(&mut cargo(["build", "--quiet", "--package", "counterfoil-server"]))?;
    let (home, folder) = (target().join("python-clients"), root().join("server/tests/clients/python"));
    let python = home.join("bin/python");
    if !python.exists() {
        output(command("python3").args(["-m", "venv"]).arg(&home))?;
    }
    let mut pip = command(&python);
    output(pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"]).arg(folder.join("requirements.txt")))?;
    let mut tests = command(&python);
    tests.args(["-m", "unittest", "test_clients"]).current_dir(&folder);
    tests.env("COUNTERFOIL_SERVER", target().join("debug/counterfoil-server"));
    output(&mut tests).map(|_| Outcome::Passed(String::new()))
}

/// Requests a second, beside oidc-provider, with the same requests on the same core.
pub(crate) fn bench(arguments: &[String]) -> Result<(), Failure> {
    for program in ["npm", "python3", "taskset", "wrk"] {
        if !has(program) {
            return Err(format!("{program} is not installed"));
        }
    }
    run(&mut cargo(["build", "--release", "--quiet", "--package", "counterfoil-server"]))?;
    run(&mut cargo(["build", "--release", "--quiet", "--package", "counterfoil-benches", "--bin", "requests"]))?;
    output(command("npm").args(["ci", "--no-audit", "--no-fund", "--prefix", "benches/peers/oidc-provider"]))?;
    run(command("python3").arg("benches/server/compare.py").args(arguments).env("CARGO_TARGET_DIR", target()))
}
