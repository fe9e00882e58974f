//! Project Wycheproof's Ed25519 vectors, with every size of table.

use super::common::tables;
use counterfoil::crypto::ed25519::{PublicKey, verify};
use wycheproof::TestResult;
use wycheproof::eddsa::{TestName, TestSet};

#[test]
fn wycheproof() {
    let set = TestSet::load(TestName::Ed25519).unwrap();
    let mut count = 0;
    for group in set.test_groups {
        let key = PublicKey::from_bytes(group.key.pk.as_slice().try_into().unwrap()).unwrap();
        let tables = tables(&key);
        for test in group.tests {
            count += 1;
            // a signature of another length has no way in: the type is 64 bytes
            let signature: Option<&[u8; 64]> = test.sig.as_slice().try_into().ok();
            for table in &tables {
                let verdict = signature.is_some_and(|signature| verify(&key, table, &test.msg, signature));
                assert_eq!(verdict, test.result == TestResult::Valid, "{}: {}", test.tc_id, test.comment);
            }
        }
    }
    assert!(count > 100, "{count}");
}
