//! Every case of `core/vectors/*.json`, the contract of all languages.

#![expect(clippy::print_stdout, reason = "says how many cases ran")]

mod vector;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;
use vector::{Outcome, Vectors};

#[test]
fn every_vector_has_its_verdict() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors");
    let mut failures = Vec::new();
    let mut ids = BTreeSet::new();
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    let mut twins = Vec::new();
    for file in vector::files(&folder) {
        let vectors = Vectors::read(&file);
        for case in vectors.cases() {
            let id = case["id"].as_str().expect("an id");
            assert!(ids.insert(id.to_owned()), "{id} is there twice");
            *kinds.entry(case["kind"].as_str().expect("a kind").to_owned()).or_default() += 1;
            if let Some(twin) = case["twin"].as_str() {
                twins.push((id.to_owned(), twin.to_owned()));
            }
            let expected = case["expect"].as_str().expect("an expected verdict");
            let Outcome { verdict, output } = vectors.run(case);
            if verdict != expected {
                failures.push(format!("{id}: expected {expected}, got {verdict}"));
                continue;
            }
            for (name, value) in case["output"].as_object().into_iter().flatten() {
                if output.get(name).unwrap_or(&Value::Null) != value {
                    failures.push(format!("{id}: {name}: expected {value}, got {:?}", output.get(name)));
                }
            }
        }
    }
    for (id, twin) in twins {
        assert!(ids.contains(&twin), "{id} names a twin that is not there: {twin}");
    }
    println!("{} vectors: {kinds:?}", ids.len());
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
    assert!(ids.len() >= 1500, "only {} vectors", ids.len());
}
