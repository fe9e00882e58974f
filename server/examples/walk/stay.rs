//! What a reader may try by hand while the demo stays.

use crate::app::App;
use crate::ground::{Ground, PASSWORD, USER};
use crate::party::{Holder, Kind};
use crate::report::line;
use crate::wire::Fault;

/// Writes each token's header into a file, and tells what can be done with it.
pub(crate) async fn explain(ground: &Ground, app: &App) -> Result<(), Fault> {
    let (folder, ports) = (ground.folder(), ground.ports);
    let program = std::env::current_exe()?;
    line("\nIn a browser: it will not know the authority of the server's certificate; go on, or import tls/authority.pem.");
    line(&format!("  start   http://127.0.0.1:{}/", ports.app));
    line(&format!("  sign in as {USER} with the password: {PASSWORD}"));
    line("\nOne request that is pushed already, good for ten minutes:");
    let url = app.authorize(Holder::Dpop, Kind::Phantom).await?;
    line(&format!("  {url}"));
    line("\nBy hand, with the tokens of above, good for an hour:");
    line(&format!("  cd {}", folder.display()));
    for holder in Holder::ALL {
        for kind in Kind::ALL {
            let loot = app.token(holder, kind).ok_or("a token is missing")?;
            let file = format!("{}-{}.header", holder.path(), kind.path());
            std::fs::write(folder.join(&file), format!("Authorization: {} {}\n", holder.scheme(), loot.token))?;
            let held = match holder {
                Holder::Mtls => "--cert app-mtls.pem --key app-mtls.key".to_owned(),
                Holder::Dpop => format!("-H \"DPoP: $({} proof app-dpop.proof.key GET {} {file})\"", program.display(), loot.url),
            };
            line(&format!("  curl --cacert tls/authority.pem {held} -H @{file} {}", loot.url));
        }
    }
    line("\nThere, too:");
    for (files, what) in [
        ("counterfoil.toml", "the server's settings; counterfoil.db its store, server.log its log"),
        ("nginx.conf", "nginx's settings, where it is in front; nginx.log its log"),
        ("tls/authority.pem", "the authority of every certificate; tls/server.pem, tls/server.key of server and API"),
        ("app-mtls.pem, .key", "certificate and key of the client app-mtls"),
        ("app-dpop.*.key", "the keys of the client app-dpop: for assertions, and for proofs"),
        ("gateway.pem, .key", "certificate and key of the client gateway, by which tokens are looked up"),
    ] {
        line(&format!("  {files:<19} {what}"));
    }
    line("\nCtrl-C ends everything and removes the folder.");
    Ok(())
}
