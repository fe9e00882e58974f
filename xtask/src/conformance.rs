//! The OpenID Foundation's conformance suite, which runs elsewhere, against the server.

use crate::server::client_packages;
use crate::step::{Failure, cargo, command, has, output, target};

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
    match script.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) if status.code() == Some(1) => Err("not every module was good".to_owned()),
        Ok(status) => Err(format!("nothing was judged: {status}")),
        Err(error) => Err(format!("node: {error}")),
    }
}
