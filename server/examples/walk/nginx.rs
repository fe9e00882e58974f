//! nginx with the module, in front of the API.

use std::path::Path;
use std::process::Command;

use crate::ground::{Ground, Program, resource};
use crate::party::Kind;
use crate::wire::{Fault, text_of};

/// Starts it in the demo's folder. `api` is the port of what stands behind.
pub(crate) async fn start(module: &Path, ground: &Ground, api: u16) -> Result<Program, Fault> {
    let folder = ground.folder();
    std::fs::write(folder.join("nginx.conf"), configuration(module, ground, api)?)?;
    let mut nginx = Command::new("/usr/sbin/nginx");
    nginx.arg("-p").arg(folder).args(["-c", "nginx.conf", "-e", "nginx.log"]);
    Program::start(&mut nginx, ground.ports.api, folder.join("nginx.log")).await
}

fn configuration(module: &Path, ground: &Ground, api: u16) -> Result<String, Fault> {
    let (issuer, ports) = (text_of(&ground.metadata, "issuer")?, ground.ports);
    let module = module.display();
    let locations: String = Kind::ALL.map(|kind| location(kind, &resource(ports, kind))).concat();
    let (own, server) = (ports.api, ports.server);
    // One process, without a master: it ends when it is killed, and nothing is left.
    Ok(format!(
        r#"load_module {module};
daemon off;
master_process off;
pid nginx.pid;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3; uwsgi_temp_path t4; scgi_temp_path t5;
    counterfoil_zone 8m;
    upstream api {{ server 127.0.0.1:{api}; }}
    upstream authorization_server {{ server 127.0.0.1:{server}; }}

    # The gateway is a client of the server, by its certificate.
    proxy_ssl_certificate gateway.pem;
    proxy_ssl_certificate_key gateway.key;
    proxy_ssl_trusted_certificate tls/authority.pem;
    proxy_ssl_verify on;
    proxy_ssl_server_name on;
    proxy_ssl_name mtls.localhost;

    server {{
        listen 127.0.0.1:{own} ssl;
        ssl_certificate tls/server.pem;
        ssl_certificate_key tls/server.key;
        # Any certificate may come: which one it must be, the token says.
        ssl_verify_client optional_no_ca;

        counterfoil_issuer {issuer} jwks_location=/keys;
        counterfoil_origin https://localhost:{own};
        counterfoil_scopes accounts;
        counterfoil_claim_header X-Client client_id;
        counterfoil_claim_header X-Subject sub;
        counterfoil_claim_header X-Scope scope;
        # For the reader of the demo; else it belongs in the log alone.
        add_header X-Code $counterfoil_code always;
{locations}
        location = /keys {{
            internal;
            proxy_pass https://authorization_server/jwks;
        }}
        location = /introspection {{
            internal;
            proxy_set_body $request_body&client_id=gateway;
            proxy_pass https://authorization_server/introspect;
        }}
        location = /counterfoil {{
            internal;
            proxy_pass https://authorization_server/split-tokens/$counterfoil_key?client_id=gateway;
        }}
    }}
}}
"#
    ))
}

fn location(kind: Kind, audience: &str) -> String {
    let lookup = match kind {
        Kind::Jwt => "",
        Kind::Phantom => "            counterfoil_introspection /introspection;\n",
        Kind::Split => "            counterfoil_split /counterfoil;\n",
    };
    let path = kind.path();
    format!(
        r"
        location /{path}/ {{
            counterfoil on;
            counterfoil_audience {audience};
{lookup}            proxy_pass http://api;
        }}
"
    )
}
