//! Keys from a file.

use std::path::PathBuf;

use counterfoil::Error;
use counterfoil_gateway::keys::KeyFailure;
use counterfoil_gateway::{Gateway, KeySource};
use serde_json::json;

use crate::setup::{eventually, issuer, verdict};
use crate::tokens::{Key, jwks};

/// A folder of this test's own, which goes with it.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("counterfoil-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_file_is_read_again_when_it_changes_and_a_bad_one_is_not_believed() {
    let folder = Folder::new("file");
    let path = folder.0.join("jwks.json");
    let (old, new) = (Key::new(1), Key::new(2));
    std::fs::write(&path, jwks(&[&old])).expect("a file");
    let gateway = Gateway::builder().issuer(issuer(KeySource::File(path.clone()))).build().expect("a gateway");
    assert_eq!(verdict(&gateway, &old.token(&json!({}))), "ok");

    let failure = || gateway.key_status().next().expect("an issuer").1.last_failure;
    std::fs::write(&path, "{\"keys\": [").expect("a file");
    eventually("the bad file is seen", || failure() == Some(KeyFailure::Set(Error::JsonMalformed)));
    assert_eq!(verdict(&gateway, &old.token(&json!({}))), "ok");
    std::fs::remove_file(&path).expect("a file");
    eventually("no file is seen", || failure() == Some(KeyFailure::File(std::io::ErrorKind::NotFound)));
    assert_eq!(verdict(&gateway, &old.token(&json!({}))), "ok");

    let next = folder.0.join("next.json");
    std::fs::write(&next, jwks(&[&new])).expect("a file");
    std::fs::rename(&next, &path).expect("a file");
    eventually("the new key", || verdict(&gateway, &new.token(&json!({}))) == "ok");
    assert_eq!(verdict(&gateway, &old.token(&json!({}))), "key_unknown");
    assert_eq!(failure(), None);
}

#[test]
fn a_file_that_cannot_be_used_at_the_start_is_a_mistake() {
    let folder = Folder::new("bad");
    let absent = folder.0.join("absent.json");
    let error = Gateway::builder().issuer(issuer(KeySource::File(absent))).build().expect_err("no file");
    assert_eq!(error.error(), Error::MaterialUnusable);
    assert!(error.about().contains("absent.json") && error.about().contains("https://as.example"), "{error}");
    let empty = folder.0.join("empty.json");
    std::fs::write(&empty, "{\"keys\": []}").expect("a file");
    let error = Gateway::builder().issuer(issuer(KeySource::File(empty))).build().expect_err("no keys");
    assert_eq!(error.error(), Error::KeySetEmpty);
}
