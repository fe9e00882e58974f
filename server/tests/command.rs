//! The command line, as an operator uses it: people, and clients from one store to another.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

struct Operator {
    folder: PathBuf,
}

impl Operator {
    fn new(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        let operator = Self { folder };
        operator.done(&["init", operator.folder.to_str().unwrap()], "");
        operator
    }

    /// What a command says, and whether it succeeds.
    fn run(&self, arguments: &[&str], input: &str) -> (bool, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_counterfoil-server"));
        command.args(arguments).arg("--config").arg(self.folder.join("counterfoil.toml"));
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // Who needs no input may have ended before it is written.
        let _ = process.stdin.take().unwrap().write_all(input.as_bytes());
        let output = process.wait_with_output().unwrap();
        (output.status.success(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
    }

    #[track_caller]
    fn done(&self, arguments: &[&str], input: &str) -> String {
        let (is_good, told) = self.run(arguments, input);
        assert!(is_good, "{arguments:?}: {told}");
        told
    }

    #[track_caller]
    fn fails(&self, arguments: &[&str], input: &str, why: &str) {
        let (is_good, told) = self.run(arguments, input);
        assert!(!is_good && told.contains(why), "{arguments:?}: {told}");
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

#[test]
fn people_are_added_once_locked_and_given_passwords() {
    let operator = Operator::new("people");
    operator.done(&["config", "check"], "");
    operator.done(&["user", "add", "alice", "--claims", "{\"name\": \"Alice\"}"], "correct horse battery\n");
    operator.fails(&["user", "add", "alice"], "another password\n", "alice: is there already");
    operator.fails(&["user", "add", "bob", "--claims", "[]"], "another password\n", "--claims: must be a JSON object");
    operator.fails(&["user", "add", "bob"], "short\n", "at least 8 characters");
    operator.done(&["user", "password", "alice"], "another password\n");
    operator.done(&["user", "lock", "alice"], "");
    operator.done(&["user", "unlock", "alice"], "");
    for command in ["lock", "unlock", "password"] {
        operator.fails(&["user", command, "nobody"], "another password\n", "nobody: there is no such person");
    }
}

#[test]
fn clients_go_from_one_store_to_another() {
    let (one, other) = (Operator::new("clients-one"), Operator::new("clients-other"));
    let client = json!({
        "client_id": "app",
        "redirect_uris": ["https://app.example/cb"],
        "token_endpoint_auth_method": "tls_client_auth",
        "tls_client_auth_subject_dn": "CN=app",
        "tls_client_certificate_bound_access_tokens": true,
    });
    one.done(&["client", "add", "-"], &client.to_string());
    let exported = one.done(&["client", "export"], "");
    other.done(&["client", "import", "-"], &exported);
    assert_eq!(other.done(&["client", "export"], ""), exported);
    let listed: Value = serde_json::from_str(&other.done(&["client", "list"], "")).unwrap();
    assert_eq!(listed, json!([client]));
    other.done(&["client", "remove", "app"], "");
    other.fails(&["client", "remove", "app"], "", "app: there is no such client");
    let mut wrong = client.clone();
    wrong["colour"] = json!("red");
    other.fails(&["client", "add", "-"], &wrong.to_string(), "client app: colour is no member");
    other.fails(&["client", "import", "-"], "[{\"client_id\": \"x\", \"metadata\": {}}]", "client without client_id");
    other.fails(&["client", "add", "/nowhere.json"], "", "/nowhere.json: No such file");
    assert_eq!(other.done(&["client", "list"], "").trim(), "[]");
    let mut script = client;
    script["policy_uri"] = json!("javascript:alert(1)");
    other.fails(&["client", "add", "-"], &script.to_string(), "policy_uri: must be an https URL");
}

#[test]
fn a_clients_breaches_are_told_with_their_clauses() {
    let operator = Operator::new("check");
    let client = json!({
        "client_id": "app", "redirect_uris": ["https://app.example/cb"], "token_endpoint_auth_method": "tls_client_auth",
        "tls_client_auth_subject_dn": "CN=app", "dpop_bound_access_tokens": true, "id_token_signed_response_alg": "EdDSA",
    });
    let check = |arguments: &[&str]| operator.run(&[&["client", "check"], arguments].concat(), &client.to_string());
    assert_eq!(check(&["-"]), (true, "nothing is broken\n".to_owned()));
    let (is_good, told) = check(&["-", "--profile", "open-banking-brazil"]);
    assert!(!is_good);
    for line in [
        "client app: token_endpoint_auth_method: must be private_key_jwt (Open Finance Brasil",
        "client app: dpop_bound_access_tokens: must be false: tokens are bound to certificates (FAPI 1.0 Part 2: Advanced section 5.2.2",
        "client app: id_token_signed_response_alg: must be PS256 (Open Finance Brasil",
        "client check: 1 of 1 clients break their profile",
    ] {
        assert!(told.contains(line), "{line} in {told}");
    }
    assert!(check(&["-", "--profile", "fapi3"]).1.contains("fapi3 is no profile"));
    operator.done(&["client", "add", "-"], &client.to_string());
    operator.done(&["client", "check"], "");
    operator.fails(&["client", "check", "--profile", "fapi-ciba"], "", "client app: dpop_bound_access_tokens");
    let differences = operator.done(&["profile", "diff", "fapi1-advanced", "cdr-australia"], "");
    assert!(differences.contains("access_token.longest: 86400 | 600\n"), "{differences}");
    operator.done(&["user", "add", "alice"], "correct horse battery\n");
    operator.done(&["user", "code", "alice"], "4711-0815\n");
    operator.done(&["user", "code", "alice"], "\n");
    operator.fails(&["user", "code", "alice"], "4711\n", "at least 6 characters");
}
