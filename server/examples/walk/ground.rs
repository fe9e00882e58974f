//! Where the demo happens: a folder, a server of its own in it, and programs that end with it.

use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;
use std::fs::{DirBuilder, OpenOptions};
use std::io::Write as _;
use std::net::TcpListener;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use serde_json::{Value, json};

use crate::party::{Holder, Kind, Party, Registrar, authority};
use crate::thief::Thief;
use crate::wire::{Call, Fault, Wire};

/// The person.
pub(crate) const USER: &str = "alice";
pub(crate) const PASSWORD: &str = "correct horse battery";

/// How long a program may take to start.
const PATIENCE: Duration = Duration::from_secs(20);

/// Where each of the three listens, on 127.0.0.1.
#[derive(Clone, Copy)]
pub(crate) struct Ports {
    pub(crate) server: u16,
    pub(crate) api: u16,
    pub(crate) app: u16,
}

impl Ports {
    /// The first of three, one after the other; 0 for three that are free.
    pub(crate) fn from(first: u16) -> Result<Self, Fault> {
        let wanted =
            if first == 0 { [0; 3] } else { [first, first.checked_add(1).ok_or("no port")?, first.checked_add(2).ok_or("no port")?] };
        // Held until all three are known.
        let mut held = Vec::new();
        for port in wanted {
            let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, port));
            held.push(socket.map_err(|error| {
                format!("port {port} of 127.0.0.1: {error}. Others: cargo xtask demo --stay PORT takes PORT and the next two")
            })?);
        }
        let [server, api, app] = held.as_slice() else { return Err("three ports are needed".into()) };
        Ok(Self { server: server.local_addr()?.port(), api: api.local_addr()?.port(), app: app.local_addr()?.port() })
    }
}

/// A folder that goes when this does.
pub(crate) struct Folder(PathBuf);

impl Folder {
    fn create() -> Result<Self, Fault> {
        let folder = std::env::temp_dir().join(format!("counterfoil-demo-{}", std::process::id()));
        // Keys are in it: nobody else's business.
        DirBuilder::new().mode(0o700).create(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        Ok(Self(folder))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A program that ends when this goes.
pub(crate) struct Program {
    child: Child,
    log: PathBuf,
}

impl Program {
    /// Starts a program, and waits until somebody listens on its port. All it says goes to a log file.
    pub(crate) async fn start(command: &mut Command, port: u16, log: PathBuf) -> Result<Self, Fault> {
        let output = OpenOptions::new().create(true).append(true).open(&log)?;
        let child = command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output).spawn();
        let mut program = Self { child: child.map_err(|error| format!("{command:?}: {error}"))?, log };
        let until = Instant::now() + PATIENCE;
        while tokio::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_err() {
            if program.child.try_wait()?.is_some() || Instant::now() >= until {
                return Err(format!("{command:?} does not start: {}", std::fs::read_to_string(&program.log)?).into());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(program)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The server, and what everybody knows of it.
pub(crate) struct Ground {
    /// Ends before its folder goes.
    _server: Program,
    pub(crate) ports: Ports,
    /// What the server says of itself (RFC 8414).
    pub(crate) metadata: Value,
    pub(crate) parties: Vec<Party>,
    /// The API's own client at the server, by its certificate.
    pub(crate) gateway: Wire,
    pub(crate) thief: Thief,
    folder: Folder,
}

impl Ground {
    /// Makes keys and certificates, and starts a server with two clients, a gateway and a person.
    pub(crate) async fn prepare(program: &Path, ports: Ports) -> Result<Self, Fault> {
        let folder = Folder::create()?;
        let at = folder.0.as_path();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, ports.server)).to_string();
        let issuer = format!("https://localhost:{}", ports.server);
        run(program, at, &["init", ".", "--issuer", &issuer, "--address", &address], "")?;
        configure(&at.join("counterfoil.toml"), ports)?;
        run(program, at, &["config", "check"], "")?;
        run(program, at, &["user", "add", USER, "--claims", r#"{"name": "Alice Example"}"#], PASSWORD)?;

        let registrar = Registrar::new(at)?;
        let parties = Holder::ALL.iter().map(|holder| Party::new(at, &registrar, *holder)).collect::<Result<Vec<_>, _>>()?;
        let gateway = registrar.certify("gateway")?;
        let thief = Thief::new(at, &registrar)?;
        let mut clients: Vec<Value> = parties.iter().map(|party| party.metadata(&callback(ports))).collect();
        clients.push(json!({
            "client_id": "gateway",
            "token_endpoint_auth_method": "tls_client_auth",
            "tls_client_auth_subject_dn": "CN=gateway,O=Demo",
            "introspects": Kind::ALL.map(|kind| resource(ports, kind)),
        }));
        run(program, at, &["client", "add", "-"], &json!(clients).to_string())?;

        let mut serve = Command::new(program);
        serve.arg("serve").current_dir(at);
        let server = Program::start(&mut serve, ports.server, at.join("server.log")).await?;
        let anybody = Wire::new(&authority(at), None)?;
        let metadata = anybody.send(&Call::get(format!("{issuer}/.well-known/oauth-authorization-server"))).await?.json(200)?;
        Ok(Self { _server: server, ports, metadata, parties, gateway, thief, folder })
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder.0
    }

    pub(crate) fn party(&self, holder: Holder) -> Result<&Party, Fault> {
        self.parties.iter().find(|party| party.holder == holder).ok_or_else(|| "there is no such client".into())
    }
}

/// Adds the parts of the API to the settings; who reads before going on has time.
fn configure(file: &Path, ports: Ports) -> Result<(), Fault> {
    let mut settings = std::fs::read_to_string(file)?.replace("\nrequest_uri = 60 ", "\nrequest_uri = 599 ");
    for kind in Kind::ALL {
        let (uri, format) = (resource(ports, kind), kind.path());
        settings += &format!("\n[[resource]]\nuri = \"{uri}\"\nformat = \"{format}\"\naccess_token_lifetime = 3600\n");
    }
    Ok(std::fs::write(file, settings)?)
}

/// What the API's part for this kind of token is called (RFC 8707).
pub(crate) fn resource(ports: Ports, kind: Kind) -> String {
    format!("https://localhost:{}/{}", ports.api, kind.path())
}

/// Where the server sends the browser back to.
pub(crate) fn callback(ports: Ports) -> String {
    format!("http://127.0.0.1:{}/callback", ports.app)
}

/// Runs a command of the server's program to its end.
fn run(program: &Path, folder: &Path, arguments: &[&str], input: &str) -> Result<(), Fault> {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| format!("{command:?}: {error}"))?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(input.as_bytes())?;
    }
    let output = child.wait_with_output()?;
    if output.status.success() { Ok(()) } else { Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)).into()) }
}
