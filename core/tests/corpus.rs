//! Every fuzz target over its committed corpus: what a fuzzer once found stays found, without a fuzzer.

#![expect(clippy::print_stdout, reason = "says how many inputs ran")]

use std::path::Path;

#[expect(unreachable_pub, reason = "the fuzz targets, a package of their own, use it as a library")]
#[path = "../fuzz/src/lib.rs"]
mod fuzz;

#[test]
fn every_target_holds_for_its_corpus() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    for (name, target) in fuzz::TARGETS {
        let entries = std::fs::read_dir(corpus.join(name)).unwrap_or_else(|error| panic!("no corpus for {name}: {error}"));
        let mut count = 0;
        for entry in entries {
            let path = entry.expect("an entry").path();
            let input = std::fs::read(&path).expect("a readable file");
            let result = std::panic::catch_unwind(|| target(&input));
            assert!(result.is_ok(), "{} no longer holds", path.display());
            count += 1;
        }
        println!("{name}: {count} inputs");
        assert!(count >= 12, "{name}: only {count} inputs");
    }
}

#[test]
fn every_target_is_listed_for_the_fuzzer() {
    let manifest = include_str!("../fuzz/Cargo.toml");
    let bins: Vec<_> = manifest.lines().filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"')).skip(1).collect();
    assert_eq!(bins, fuzz::TARGETS.map(|(name, _)| name));
}
