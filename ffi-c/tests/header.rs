//! `include/counterfoil.h` is what cbindgen makes of the sources; `UPDATE=1` writes it again.

use std::path::{Path, PathBuf};

#[test]
fn the_header_is_fresh() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let made = header(root);
    let file = root.join("include/counterfoil.h");
    if std::env::var_os("UPDATE").is_some_and(|value| value == "1") {
        std::fs::write(&file, &made).expect("the header is written");
    }
    let committed = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(made == committed, "include/counterfoil.h is stale: UPDATE=1 cargo test -p counterfoil-ffi --test header");
}

fn header(root: &Path) -> String {
    let config = cbindgen::Config::from_file(root.join("cbindgen.toml")).expect("a configuration");
    let mut builder = cbindgen::Builder::new().with_config(config).with_src(root.join("../core/src/error.rs"));
    for file in SOURCES {
        builder = builder.with_src(root.join("src").join(file));
    }
    builder = builder.with_src(behind_its_feature(root, "gateway"));
    let mut text = Vec::new();
    builder.generate().expect("sources that cbindgen understands").write(&mut text);
    String::from_utf8(text).expect("UTF-8")
}

/// A file whose module is behind a feature, which is said where the module is declared: cbindgen is to see it.
fn behind_its_feature(root: &Path, name: &str) -> PathBuf {
    let text = std::fs::read_to_string(root.join("src").join(name).with_extension("rs")).expect("a readable file");
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name).with_extension("rs");
    std::fs::write(&file, format!("#[cfg(feature = \"{name}\")]\npub mod {name} {{\n{text}\n}}\n")).expect("a file to write");
    file
}

/// In the order in which a reader wants them.
const SOURCES: [&str; 15] = [
    "boundary.rs",
    "error.rs",
    "keys.rs",
    "proof.rs",
    "replay.rs",
    "tables.rs",
    "key_tables.rs",
    "server.rs",
    "request.rs",
    "accept.rs",
    "token.rs",
    "value.rs",
    "split.rs",
    "response.rs",
    "thumbprint.rs",
];
