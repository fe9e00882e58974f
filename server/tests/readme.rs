//! The README's quick start, as a user types it.

use std::path::Path;
use std::process::Command;

#[test]
fn the_quick_start_works() {
    let readme = include_str!("../README.md");
    let (_, rest) = readme.split_once("```sh\n").expect("a quick start");
    let (commands, _) = rest.split_once("```\n").expect("its end");
    // Another port, in case that one is in use.
    let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a free port").port();
    let commands = commands.replace("8443", &port.to_string());
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("readme-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder");
    let program = Path::new(env!("CARGO_BIN_EXE_counterfoil-server")).parent().expect("its folder");
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap_or_default());
    let script = format!("set -euo pipefail\ntrap 'kill $(jobs -p)' EXIT\n{commands}");
    let output = Command::new("bash").args(["-c", &script]).env("PATH", path).current_dir(&folder).output().expect("bash");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("\"access_token\":\"ey"), "{text}{}", String::from_utf8_lossy(&output.stderr));
    std::fs::remove_dir_all(&folder).expect("removed");
}
