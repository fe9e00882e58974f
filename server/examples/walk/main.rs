//! The whole way of a token, on this machine: a server with fresh keys, nginx with the module in front of an API (or the engine in the API), an
//! application with a client for each binding, a person with a browser, and a thief.
//!
//! `cargo xtask demo`. `COUNTERFOIL_SERVER` names the server's program, which otherwise is looked for where cargo puts it; `COUNTERFOIL_MODULE`
//! nginx's module, without which the API judges by itself. What is not as it must be ends the walk with a fault.

mod api;
mod app;
mod browser;
mod ground;
mod key;
mod nginx;
mod party;
mod report;
mod stay;
mod thief;
mod wire;

use core::net::Ipv4Addr;
use core::time::Duration;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::app::App;
use crate::browser::Browser;
use crate::ground::{Ground, Ports, Program};
use crate::key::Key;
use crate::party::{Holder, Kind, authority};
use crate::report::{Who, line, milliseconds, short, step};
use crate::wire::{Fault, Wire};

const USAGE: &str = "usage: walk [--stay [PORT]]
       walk proof KEY METHOD URL FILE   prints a DPoP proof for a request with the Authorization header in FILE";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments.as_slice() {
        [] => run(0, false),
        ["--stay"] => run(8443, true),
        ["--stay", port] => port.parse().map_err(Fault::from).and_then(|port| run(port, true)),
        ["proof", key, method, url, file] => proof(Path::new(key), method, url, Path::new(file)),
        _ => Err(USAGE.into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("demo: {fault}");
            ExitCode::FAILURE
        }
    }
}

fn run(port: u16, stays: bool) -> Result<(), Fault> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let done = runtime.block_on(async {
        tokio::select! {
            done = demo(port, stays) => done,
            stopped = stopped() => stopped.and_then(|()| if stays { Ok(()) } else { Err("stopped".into()) }),
        }
    });
    // Whoever still waits for a request waits in vain.
    runtime.shutdown_timeout(Duration::from_secs(1));
    done
}

/// Until somebody wants an end: then all that was started ends, and the folder goes.
async fn stopped() -> Result<(), Fault> {
    let [mut interrupt, mut terminate, mut hangup] =
        [signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?, signal(SignalKind::hangup())?];
    tokio::select! { _ = interrupt.recv() => {} _ = terminate.recv() => {} _ = hangup.recv() => {} }
    Ok(())
}

async fn demo(port: u16, stays: bool) -> Result<(), Fault> {
    let begun = Instant::now();
    let server = std::env::var_os("COUNTERFOIL_SERVER").map_or_else(beside, |file| Ok(PathBuf::from(file)))?;
    let ground = Arc::new(Ground::prepare(&server, Ports::from(port)?).await?);
    let _nginx = open_api(&ground).await?;
    let app = App::new(ground.clone());
    tokio::spawn(app.clone().serve(TcpListener::bind((Ipv4Addr::LOCALHOST, ground.ports.app)).await?));
    line(&format!("Keys, certificates, server, clients and API made and started in {} ms.", milliseconds(begun.elapsed())));
    line("Times are those of whole requests, with a new connection and its handshake for each.");

    let mut table = vec![format!("{:<6} {:<9} {:<26} {:<5} {:<45} {:>8}", "bound", "token", "the client holds", "API", "stolen", "in all")];
    for holder in Holder::ALL {
        for kind in Kind::ALL {
            table.push(walk(&ground, &app, holder, kind).await?);
        }
    }
    line("");
    table.iter().for_each(|row| line(row));
    if stays {
        stay::explain(&ground, &app).await?;
        core::future::pending::<()>().await;
    }
    Ok(())
}

/// nginx where there is a module for it; else the API itself is opened, with the engine in it.
async fn open_api(ground: &Arc<Ground>) -> Result<Option<Program>, Fault> {
    let issuer = wire::text_of(&ground.metadata, "issuer")?;
    line(&format!(
        "Server: {issuer} (with certificates: https://mtls.localhost:{}), SQLite in {}",
        ground.ports.server,
        ground.folder().display()
    ));
    if let Some(module) = std::env::var_os("COUNTERFOIL_MODULE") {
        let behind = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let nginx = nginx::start(Path::new(&module), ground, behind.local_addr()?.port()).await?;
        tokio::spawn(api::serve_behind(behind));
        line(&format!("API:    https://localhost:{}, nginx with the module in front", ground.ports.api));
        return Ok(Some(nginx));
    }
    let guarded = api::Guarded::new(ground.clone()).await?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, ground.ports.api)).await?;
    let acceptor = guarded.acceptor()?;
    tokio::spawn(guarded.serve(listener, acceptor));
    line(&format!("API:    https://localhost:{}, with the engine in it (there is no nginx to build the module for)", ground.ports.api));
    Ok(None)
}

/// From nothing to the API's answer, and a thief's to the same token. Gives a row of the table.
async fn walk(ground: &Ground, app: &App, holder: Holder, kind: Kind) -> Result<String, Fault> {
    line(&format!("\n{} token, bound by {}", kind.name(), holder.name()));
    let begun = Instant::now();
    let mut browser = Browser::new(Wire::new(&authority(ground.folder()), None)?);
    let page = browser.visit(&format!("http://127.0.0.1:{}{}", ground.ports.app, app::start(holder, kind))).await?;
    let took = begun.elapsed();
    let loot = app.token(holder, kind).ok_or_else(|| format!("the app has no token: {page}"))?;
    let stolen = ground.thief.present(holder, kind, &loot).await?;
    stolen.answer.expect(401)?;
    let code = stolen.answer.header("x-code").unwrap_or_default();
    step(Who::Thief, &stolen.call, &stolen.answer, &format!("{}: {code}", stolen.what));
    if code != stolen.code {
        return Err(format!("{code} instead of {}", stolen.code).into());
    }
    let held = format!("{} ({} characters)", short(&loot.token), loot.token.len());
    let refused = format!("401 {code} ({} ms)", milliseconds(stolen.answer.took));
    Ok(format!("{:<6} {:<9} {held:<26} {:<5} {refused:<45} {:>5} ms", holder.name(), kind.name(), 200, milliseconds(took)))
}

/// The server's program, where this one is in `examples/`.
fn beside() -> Result<PathBuf, Fault> {
    let own = std::env::current_exe()?;
    let folder = own.parent().and_then(Path::parent).ok_or("no folder")?;
    Ok(folder.join("counterfoil-server"))
}

fn proof(key: &Path, method: &str, url: &str, file: &Path) -> Result<(), Fault> {
    let header = std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let token = header.trim().rsplit(' ').next().unwrap_or_default();
    line(&Key::read(key)?.proof(method, url, Some(token))?);
    Ok(())
}
