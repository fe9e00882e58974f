//! ngx_http_counterfoil_module: built against Debian's nginx-dev, and tried on the real nginx.

use std::path::{Path, PathBuf};

use crate::step::{Failure, Outcome, cargo, command, has, output, root, run, target};

/// Where Debian's nginx-dev has nginx's configure and headers.
const SOURCE: &str = "/usr/share/nginx/src/configure";

/// What is missing to build the module and to start nginx with it, if anything.
pub(crate) fn why_no_module() -> Option<String> {
    absent(&[(!Path::new("/usr/sbin/nginx").exists(), "nginx"), (!Path::new(SOURCE).exists(), "nginx-dev"), (!has("make"), "make")])
}

/// What is missing for its tests, if anything.
fn why_no_tests() -> Option<String> {
    let modules = output(command("python3").args(["-c", "import cryptography"]));
    why_no_module().or_else(|| absent(&[(!has("curl"), "curl"), (modules.is_err(), "python3-cryptography")]))
}

fn absent(wanted: &[(bool, &str)]) -> Option<String> {
    let names: Vec<&str> = wanted.iter().filter(|(is_missing, _)| *is_missing).map(|(_, name)| *name).collect();
    if names.is_empty() { None } else { Some(format!("{} not installed", names.join(", "))) }
}

/// The module, once it is built.
pub(crate) fn module_file() -> PathBuf {
    target().join("nginx/objs/ngx_http_counterfoil_module.so")
}

/// The library, then the module against it.
pub(crate) fn build() -> Result<(), Failure> {
    output(&mut cargo(["build", "--quiet", "--release", "--package", "counterfoil-ffi"]))?;
    let library = target().join("release/libcounterfoil_ffi.a");
    let mut make = command("make");
    make.args(["--quiet", "-C", "ffi-c/nginx"]).env("COUNTERFOIL_LIBRARY", library).env("BUILD", target().join("nginx"));
    output(&mut make).map(|_| ())
}

/// Builds the module and runs ffi-c/nginx/test.
pub(crate) fn module() -> Result<Outcome, Failure> {
    if let Some(why) = why_no_tests() {
        return Ok(Outcome::Absent(why));
    }
    build()?;
    let mut tests = command("python3");
    tests.args(["-W", "error", "-m", "unittest", "discover", "-s", "ffi-c/nginx/test"]);
    tests.env("COUNTERFOIL_MODULE", module_file());
    run(&mut tests).map(|()| Outcome::Passed(String::new()))
}

/// Prints what the module adds to a request.
pub(crate) fn bench() -> Result<(), Failure> {
    if let Some(why) = why_no_tests() {
        return Err(why);
    }
    build()?;
    if !root().join("benches/peers/jose/node_modules").exists() {
        run(command("npm").args(["ci", "--silent", "--prefix", "benches/peers/jose"]))?;
    }
    let mut bench = command("python3");
    bench.arg("ffi-c/nginx/bench/gateway.py").env("COUNTERFOIL_LIBRARY", target().join("release/libcounterfoil_ffi.a"));
    run(bench.env("COUNTERFOIL_MODULE", module_file()))
}
