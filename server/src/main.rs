//! `counterfoil-server`: the command line.
#![forbid(unsafe_code)]

use core::net::SocketAddr;
use std::io::{BufRead as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Parser, Subcommand};
use counterfoil_server::Server;
use counterfoil_server::clock::{Clock as _, SystemClock};
use counterfoil_server::config::{Config, ConfigError};
use counterfoil_server::issue::{KeyRecord, SigningKeys};
use counterfoil_server::listen::Listener;
use counterfoil_server::store::{Postgres, Sqlite, Store, StoredClient, User};
use counterfoil_server::{profile, setup, users};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The system's allocator takes 7 % of the time of a pushed request (DESIGN.md).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// An authorization server for FAPI 2.0.
#[derive(Parser)]
#[command(name = "counterfoil-server", version)]
struct Arguments {
    /// The configuration.
    #[arg(long, global = true, default_value = "counterfoil.toml")]
    config: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serves until SIGTERM or SIGINT; a second one stops at once.
    Serve,
    /// Writes a working configuration with keys and certificates.
    Init {
        /// The folder, made if it is not there.
        folder: PathBuf,
        /// The issuer identifier.
        #[arg(long, default_value = "https://localhost:8443")]
        issuer: String,
        /// Address and port to listen on.
        #[arg(long, default_value = "127.0.0.1:8443")]
        address: SocketAddr,
        /// The host name that asks for certificates.
        #[arg(long, default_value = "mtls.localhost")]
        mtls_host: String,
    },
    /// Looks at the configuration.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// The profiles that clients can be held to.
    #[command(subcommand)]
    Profile(ProfileCommand),
    /// Clients in the store.
    #[command(subcommand)]
    Client(ClientCommand),
    /// People who may sign in.
    #[command(subcommand)]
    User(UserCommand),
    /// The server's own keys.
    #[command(subcommand)]
    Keys(KeysCommand),
}

#[derive(Subcommand)]
enum ConfigCommand {
    /// Says what is wrong and where, and exits with 1 if anything is.
    Check,
}

#[derive(Subcommand)]
enum ProfileCommand {
    /// Prints a line for each value in which two profiles differ.
    Diff {
        /// The one that is printed first.
        one: String,
        /// The other.
        other: String,
    },
}

#[derive(Subcommand)]
enum ClientCommand {
    /// Adds clients, or replaces those of the same client_id: one JSON object in the words of RFC 7591, or an array of them.
    Add {
        /// The file; `-` for standard input.
        file: PathBuf,
    },
    /// Prints every client's metadata as a JSON array, which `add` takes.
    List,
    /// Prints every client as it is stored, with the hash of its registration access token: for `import` by another store.
    Export,
    /// Adds what `export` has printed; a client of the same client_id is replaced.
    Import {
        /// The file; `-` for standard input.
        file: PathBuf,
    },
    /// Says what in clients' metadata breaks a profile, with the clause that demands it, and exits with 1 if anything does.
    Check {
        /// A file as `add` takes it; `-` for standard input. All clients of the store where it is left out.
        file: Option<PathBuf>,
        /// The profile; the client's own, or the server's, where it is left out.
        #[arg(long)]
        profile: Option<String>,
    },
    /// Removes a client and revokes its grants.
    Remove {
        /// Its client_id.
        client_id: String,
    },
}

#[derive(Subcommand)]
enum UserCommand {
    /// Adds a person, whose password is the first line of standard input.
    Add {
        /// What the person types.
        name: String,
        /// What ID tokens and userinfo may say: a JSON object.
        #[arg(long, default_value = "{}")]
        claims: String,
    },
    /// Gives a person another password: the first line of standard input.
    Password {
        /// What the person types.
        name: String,
    },
    /// Sets the code that clients must bring to ask a person on another device (CIBA, `user_code`): the first line of standard input; an empty
    /// one takes it away.
    Code {
        /// What the person types.
        name: String,
    },
    /// The person cannot sign in any more, and clients get no more tokens for the person.
    Lock {
        /// What the person types.
        name: String,
    },
    /// Ends that.
    Unlock {
        /// What the person types.
        name: String,
    },
}

impl UserCommand {
    fn name(&self) -> &str {
        match self {
            Self::Add { name, .. } | Self::Password { name } | Self::Code { name } | Self::Lock { name } | Self::Unlock { name } => name,
        }
    }
}

#[derive(Subcommand)]
enum KeysCommand {
    /// Prints what each key is for.
    List,
    /// Next keys become active; active ones are published until the last token by them has ended.
    Rotate,
    /// Takes a key out at once.
    Revoke {
        /// Its kid.
        kid: String,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("counterfoil-server: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<(), ConfigError> {
    let file = arguments.config;
    match arguments.command {
        Command::Init { folder, issuer, address, mtls_host } => {
            setup::init(&folder, &setup::Init { issuer, address, mtls_host }, SystemClock.now())?;
            say(&format!("wrote {}; now: counterfoil-server serve --config {0}", folder.join("counterfoil.toml").display()))
        }
        Command::Serve => with_store(Config::load(&file)?, Errand::Serve),
        Command::Config(ConfigCommand::Check) => {
            let config = Config::load(&file)?;
            Server::new(config, Sqlite::in_memory().map_err(|error| ConfigError::new("store", error))?, Arc::new(SystemClock))?;
            say("the configuration is good")
        }
        Command::Profile(ProfileCommand::Diff { one, other }) => {
            let lines = profile::difference(&one, &other).map_err(|error| ConfigError::new("profile diff", error))?;
            say(&lines.join("\n"))
        }
        Command::Client(command) => with_store(Config::load(&file)?, Errand::Client(command)),
        Command::User(command) => with_store(Config::load(&file)?, Errand::User(command)),
        Command::Keys(command) => keys(&Config::load(&file)?, &command),
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, ConfigError> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| ConfigError::new("runtime", error))
}

/// What is done with the store, whichever it is.
enum Errand {
    Serve,
    Client(ClientCommand),
    User(UserCommand),
}

/// The one place that knows which stores there are.
fn with_store(config: Config, errand: Errand) -> Result<(), ConfigError> {
    runtime()?.block_on(async {
        let settings = &config.store;
        if let Some(url) = &settings.postgres {
            let store = Postgres::open(url.as_str(), settings.postgres_authorities.as_deref(), settings.postgres_connections).await;
            run_errand(config, store.map_err(|error| ConfigError::new("store.postgres", error))?, errand).await
        } else {
            let file = settings.sqlite();
            let store = Sqlite::open(file).map_err(|error| ConfigError::new(file.display().to_string(), error))?;
            run_errand(config, store, errand).await
        }
    })
}

async fn run_errand<S: Store>(config: Config, store: S, errand: Errand) -> Result<(), ConfigError> {
    match errand {
        Errand::Serve => serve(config, store).await,
        Errand::Client(command) => clients(config, store, command).await,
        Errand::User(command) => people(store, command).await,
    }
}

async fn people<S: Store>(store: S, command: UserCommand) -> Result<(), ConfigError> {
    let failed = |error| ConfigError::new("store", error);
    let name = command.name().to_owned();
    let known = store.user(name.clone()).await.map_err(failed)?;
    let is_there = |known: Option<User>| known.ok_or_else(|| ConfigError::new(&name, "there is no such person"));
    let user = match command {
        UserCommand::Add { claims, .. } => {
            let claims: Value = serde_json::from_str(&claims).map_err(|error| ConfigError::new("--claims", error))?;
            if !claims.is_object() {
                return Err(ConfigError::new("--claims", "must be a JSON object"));
            }
            // A new subject would make somebody else of the person.
            if known.is_some() {
                return Err(ConfigError::new(name, "is there already; `user password` gives another password"));
            }
            users::new_user(&name, &password()?, claims)?
        }
        UserCommand::Password { .. } => User { password: users::hash_of(&password()?)?, ..is_there(known)? },
        UserCommand::Code { .. } => {
            let code = first_line()?;
            if (1..6).contains(&code.len()) {
                return Err(ConfigError::new("standard input", "the code must have at least 6 characters"));
            }
            let user_code = if code.is_empty() { String::new() } else { users::hash_of(&code)? };
            User { user_code, ..is_there(known)? }
        }
        UserCommand::Lock { .. } => User { locked: true, ..is_there(known)? },
        UserCommand::Unlock { .. } => User { locked: false, ..is_there(known)? },
    };
    store.save_user(user).await.map_err(failed)
}

fn password() -> Result<String, ConfigError> {
    let password = first_line()?;
    if password.len() < 8 {
        return Err(ConfigError::new("standard input", "the password must have at least 8 characters"));
    }
    Ok(password)
}

fn first_line() -> Result<String, ConfigError> {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).map_err(|error| ConfigError::new("standard input", error))?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

async fn serve<S: Store>(config: Config, store: S) -> Result<(), ConfigError> {
    tracing_subscriber::fmt().json().with_target(false).with_writer(std::io::stderr).init();
    let listener = Listener::bind(&config).await?;
    let server = Arc::new(Server::new(config, store, Arc::new(SystemClock))?);
    let address = listener.address().map_err(|error| ConfigError::new("listen.address", error))?;
    tracing::info!(%address, issuer = server.config().issuer, "serving");
    let sweeper = tokio::spawn(sweep(server.clone()));
    let publisher = tokio::spawn({
        let server = server.clone();
        async move { server.follow_publications().await }
    });
    listener.serve(server, stopped()).await;
    sweeper.abort();
    publisher.abort();
    tracing::info!("stopped");
    Ok(())
}

async fn sweep<S: Store>(server: Arc<Server<S>>) {
    let mut every = tokio::time::interval(core::time::Duration::from_secs(60));
    loop {
        every.tick().await;
        match server.sweep().await {
            Ok(0) => {}
            Ok(gone) => tracing::debug!(gone, "swept"),
            Err(error) => tracing::error!(%error, "the store could not be swept"),
        }
    }
}

/// Until the first signal; a second one ends the process.
async fn stopped() {
    signal().await;
    tokio::spawn(async {
        signal().await;
        std::process::exit(1);
    });
}

async fn signal() {
    let interrupted = tokio::signal::ctrl_c();
    match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! { _ = interrupted => {}, _ = terminate.recv() => {} }
        }
        Err(_) => drop(interrupted.await),
    }
}

async fn clients<S: Store>(config: Config, store: S, command: ClientCommand) -> Result<(), ConfigError> {
    let failed = |error| ConfigError::new("store", error);
    match command {
        ClientCommand::Export => {
            let clients = store.clients().await.map_err(failed)?;
            say(&serde_json::to_string_pretty(&clients).map_err(|error| ConfigError::new("store", error))?)
        }
        ClientCommand::Import { file } => {
            let clients: Vec<StoredClient> = read_json(&file)?;
            let server = Server::new(config, store, Arc::new(SystemClock))?;
            for client in clients {
                server.import(client).await?;
            }
            Ok(())
        }
        ClientCommand::Check { file, profile } => {
            let clients = match file {
                Some(file) => read_clients(&file)?,
                None => store.clients().await.map_err(failed)?.into_iter().map(|client| client.metadata).collect(),
            };
            check(&clients, profile.as_deref(), config.profile_name())
        }
        ClientCommand::Add { file } => {
            let clients = read_clients(&file)?;
            let server = Server::new(config, store, Arc::new(SystemClock))?;
            for client in clients {
                server.register(client).await?;
            }
            Ok(())
        }
        ClientCommand::List => {
            let clients: Vec<Value> = store.clients().await.map_err(failed)?.into_iter().map(|client| client.metadata).collect();
            say(&serde_json::to_string_pretty(&clients).map_err(|error| ConfigError::new("store", error))?)
        }
        ClientCommand::Remove { client_id } => {
            if store.remove_client(client_id.clone(), SystemClock.now()).await.map_err(failed)? {
                Ok(())
            } else {
                Err(ConfigError::new(client_id, "there is no such client in the store"))
            }
        }
    }
}

/// One object, or an array of them.
fn read_clients(file: &Path) -> Result<Vec<Value>, ConfigError> {
    Ok(match read_json(file)? {
        Value::Array(clients) => clients,
        one => vec![one],
    })
}

fn check(clients: &[Value], profile: Option<&str>, usual: &'static str) -> Result<(), ConfigError> {
    let mut broken = 0;
    for client in clients {
        let id = client.get("client_id").and_then(Value::as_str).unwrap_or("without client_id");
        let lines = profile::check(client, profile, usual).map_err(|error| ConfigError::new(format!("client {id}"), error))?;
        broken += usize::from(!lines.is_empty());
        for line in lines {
            say(&format!("client {id}: {line}"))?;
        }
    }
    match broken {
        0 => say("nothing is broken"),
        one_or_more => Err(ConfigError::new("client check", format!("{one_or_more} of {} clients break their profile", clients.len()))),
    }
}

/// From a file, or from standard input where it is called `-`.
fn read_json<T: DeserializeOwned>(file: &Path) -> Result<T, ConfigError> {
    let text = if file == Path::new("-") { std::io::read_to_string(std::io::stdin()) } else { std::fs::read_to_string(file) };
    let place = file.display().to_string();
    let text = text.map_err(|error| ConfigError::new(&place, error))?;
    serde_json::from_str(&text).map_err(|error| ConfigError::new(place, error))
}

fn keys(config: &Config, command: &KeysCommand) -> Result<(), ConfigError> {
    let (folder, now) = (&config.keys.folder, SystemClock.now());
    let lifetimes = &config.lifetimes;
    let of_resources = config.resources.iter().filter_map(|resource| resource.access_token_lifetime);
    let longest = of_resources.chain([lifetimes.access_token, lifetimes.id_token]).max().unwrap_or_default();
    let records = match command {
        KeysCommand::List => SigningKeys::records(folder)?,
        // A minute for clocks that differ.
        KeysCommand::Rotate => SigningKeys::rotate(folder, longest.saturating_add(60), now)?,
        KeysCommand::Revoke { kid } => SigningKeys::revoke(folder, kid, now)?,
    };
    let line = |record: &KeyRecord| format!("{}\t{}\t{:?}", record.kid, record.alg.name(), record.state);
    say(&records.iter().map(line).collect::<Vec<_>>().join("\n"))
}

fn say(text: &str) -> Result<(), ConfigError> {
    writeln!(std::io::stdout(), "{text}").map_err(|error| ConfigError::new("standard output", error))
}
