//! The OpenID Foundation's conformance suite, which runs elsewhere, against the server.

use crate::server::client_packages;
use crate::step::{Failure, cargo, command, has, output, run, target};

/// Arguments are those of the script.
pub(crate) fn conformance(arguments: &[String]) -> Result<(), Failure> {
    for program in ["node", "npm", "openssl"] {
        if !has(program) {
            return Err(format!("{program} is not installed"));
        }
    }
    output(&mut cargo(["build", "--quiet", "--release", "--package", "counterfoil-server"]))?;
    client_packages()?;
    let mut script = command("node");
    script.arg("server/tests/conformance/run.mjs").args(arguments);
    script.env("COUNTERFOIL_SERVER", target().join("release/counterfoil-server"));
    run(&mut script)
}
