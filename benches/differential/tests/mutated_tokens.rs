//! 100,000 mutated tokens: whatever the engine accepts, `jsonwebtoken` accepts too, but for listed reasons.
//!
//! The texts follow from [`SEED`]; only the random parts of ES256 and PS256 signatures differ from run to run.

#![expect(clippy::print_stdout, reason = "prints the counts that it is run for")]

use std::collections::BTreeMap;

use counterfoil_differential::judge::{Judges, Reason, Verdict};
use counterfoil_differential::mutation::{Document, mutated};
use counterfoil_differential::random::Random;
use counterfoil_differential::signer::Signer;
use jsonwebtoken::Algorithm;

const SEED: u64 = 0x00c0_ffee;
const TOKENS: usize = 25_000;
/// The key, its algorithm, its `alg`, and how many documents are signed: RSA signs slowly.
const SIGNERS: [(&str, Algorithm, &str, usize); 4] = [
    ("issuer-es", Algorithm::ES256, "ES256", 8_000),
    ("issuer-ed", Algorithm::EdDSA, "EdDSA", 8_000),
    ("issuer-ps", Algorithm::PS256, "PS256", 2_000),
    ("issuer-rs", Algorithm::RS256, "RS256", 2_000),
];

#[derive(Default)]
struct Tally {
    both: usize,
    neither: usize,
    only_peer: BTreeMap<&'static str, usize>,
    explained: BTreeMap<Reason, usize>,
    unexplained: Vec<String>,
}

impl Tally {
    fn count(&mut self, judges: &mut Judges, token: &[u8]) {
        match judges.judge(token) {
            Verdict::Both => self.both += 1,
            Verdict::Neither => self.neither += 1,
            Verdict::OnlyPeer(error) => *self.only_peer.entry(error.slug()).or_default() += 1,
            Verdict::OnlyEngine(error) => match Reason::of(token, &error) {
                Some(reason) => *self.explained.entry(reason).or_default() += 1,
                None => self.unexplained.push(format!("{error}: {}", String::from_utf8_lossy(token))),
            },
        }
    }

    fn total(&self) -> usize {
        self.both + self.neither + self.only_peer.values().sum::<usize>() + self.explained.values().sum::<usize>() + self.unexplained.len()
    }
}

#[test]
fn what_the_engine_accepts_the_peer_accepts() {
    let tallies: Vec<Tally> = std::thread::scope(|scope| {
        let threads: Vec<_> = SIGNERS.iter().map(|signer| scope.spawn(|| tally_of(*signer))).collect();
        threads.into_iter().map(|thread| thread.join().expect("a tally")).collect()
    });
    let mut explained: BTreeMap<Reason, usize> = BTreeMap::new();
    for ((_, _, alg, signed), tally) in SIGNERS.iter().zip(&tallies) {
        let only_peer: usize = tally.only_peer.values().sum();
        let known: usize = tally.explained.values().sum();
        println!(
            "{alg}: {} tokens ({signed} signed): both accept {}, both refuse {}, only the peer accepts {only_peer}, only the engine accepts \
             {} without and {known} with a listed reason",
            tally.total(),
            tally.both,
            tally.neither,
            tally.unexplained.len()
        );
        println!("  only the peer: {:?}", tally.only_peer);
        tally.explained.iter().for_each(|(reason, count)| *explained.entry(*reason).or_default() += count);
        assert!(tally.unexplained.is_empty(), "only the engine accepts:\n{}", tally.unexplained.join("\n"));
        assert_eq!(tally.total(), TOKENS);
        // Enough of each, or the comparison says nothing.
        assert!(tally.both >= signed / 10, "{alg}: both accept only {}", tally.both);
        assert!(tally.neither >= TOKENS / 4, "{alg}: both refuse only {}", tally.neither);
    }
    println!("only the engine, by reason: {explained:?}");
    for reason in Reason::ALL {
        assert!(explained.contains_key(&reason), "{reason:?} no longer applies: take it from the list");
    }
}

fn tally_of((name, algorithm, alg, signed): (&str, Algorithm, &str, usize)) -> Tally {
    let mut random =
        Random::new(SEED ^ u64::from_le_bytes(*name.as_bytes().first_chunk().expect("8 bytes")) ^ u64::from(name.as_bytes()[8]));
    let signer = Signer::named(name, algorithm);
    let mut judges = Judges::of(&signer);
    let mut tally = Tally::default();
    let mut tokens = Vec::new();
    for number in 0..signed {
        let (mut header, mut payload) = (Document::header(alg, name), Document::payload());
        // The first few are good, and some have a good half: what is changed later must have been worth something.
        let (headers, payloads) = if number < 100 { (0, 0) } else { (random.below(2), random.below(3)) };
        (0..headers).for_each(|_| header.mutate_header(&mut random));
        (0..payloads).for_each(|_| payload.mutate_payload(&mut random));
        let token = signer.token(&header.text(&mut random), &payload.text(&mut random));
        tally.count(&mut judges, token.as_bytes());
        tokens.push(token);
    }
    while tally.total() < TOKENS {
        let (token, other) = (&tokens[random.below(tokens.len())], &tokens[random.below(tokens.len())]);
        tally.count(&mut judges, &mutated(token, other, &mut random));
    }
    tally
}
