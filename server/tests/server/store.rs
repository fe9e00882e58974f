//! The contract of a store, with races: every store must pass it.

use std::sync::Arc;

use counterfoil::UnixTime;
use counterfoil_server::AuthorizationRequest;
use counterfoil_server::secret::{Digest, Secret};
use counterfoil_server::store::{
    AuthorizationCode, BackchannelRequest, Grant, IssuedToken, Move, NewCode, Poll, Polled, PublicationKind, PushedRequest, Redeemed,
    Sqlite, Standing, Store, StoreError, Use, UseKind,
};
use serde_json::Value;

pub(crate) const NOW: UnixTime = UnixTime(1_800_000_000);

pub(crate) fn later(seconds: u64) -> UnixTime {
    UnixTime(NOW.0 + seconds)
}

fn request() -> AuthorizationRequest {
    AuthorizationRequest {
        client_id: "client".to_owned(),
        response_type: Default::default(),
        response_mode: Default::default(),
        redirect_uri: "https://client.example/cb".to_owned(),
        scope: vec!["accounts".to_owned()],
        state: None,
        nonce: None,
        code_challenge: Some("x".to_owned()),
        dpop_jkt: None,
        resources: Vec::new(),
        authorization_details: Value::Null,
        claims: Value::Null,
        acr_values: Vec::new(),
        max_age: None,
        prompt: Vec::new(),
        login_hint: None,
        grant_management: None,
    }
}

fn grant(id: &str) -> Grant {
    Grant {
        id: id.to_owned(),
        client_id: "client".to_owned(),
        subject: "alice".to_owned(),
        scope: vec!["accounts".to_owned()],
        resources: Vec::new(),
        authorization_details: Value::Null,
        claims: Value::Null,
        auth_time: NOW.0,
        acr: "pwd".to_owned(),
        created_at: NOW.0,
        expires_at: NOW.0 + 1000,
    }
}

fn code(key: &Secret, grant_id: &str) -> NewCode {
    let code = AuthorizationCode { request: request(), grant: grant(grant_id) };
    NewCode { key: key.digest(), code, expires_at: later(60), remembered_until: later(360) }
}

pub(crate) fn used(text: &str) -> Vec<Use> {
    vec![Use { kind: UseKind::ClientAssertion, key: Digest::of(text), until: later(60) }]
}

pub(crate) fn token(key: &str, grant_id: Option<&str>) -> Move {
    let token = IssuedToken {
        key: Digest::of(key),
        client_id: "client".to_owned(),
        grant_id: grant_id.map(str::to_owned),
        claims: None,
        expires_at: later(300),
    };
    Move { token: Some(token), ..Move::default() }
}

/// A request that was pushed and approved, with a code.
pub(crate) async fn approved<S: Store>(store: &S, grant_id: &str) -> Secret {
    let (reference, secret) = (Secret::new(), Secret::new());
    let pushed = PushedRequest { request: request(), opens_until: later(60).0, expires_at: later(60).0 };
    store.push_request(reference.digest(), pushed, Vec::new(), NOW).await.unwrap();
    assert!(store.approve_request(reference.digest(), code(&secret, grant_id), NOW).await.unwrap());
    secret
}

/// What happens once.
async fn is_single_use<S: Store>(store: &S) {
    store.spend(used("a"), NOW).await.unwrap();
    assert_eq!(store.spend(used("a"), NOW).await, Err(StoreError::Replayed(UseKind::ClientAssertion)));
    // All or nothing.
    let both = [used("b"), used("a")].concat();
    assert!(store.spend(both, NOW).await.is_err());
    store.spend(used("b"), NOW).await.unwrap();
    // Through its last second.
    assert!(store.spend(used("a"), later(60)).await.is_err());

    let reference = Secret::new();
    let pushed = PushedRequest { request: request(), opens_until: later(60).0, expires_at: later(60).0 };
    store.push_request(reference.digest(), pushed.clone(), used("c"), NOW).await.unwrap();
    assert!(store.push_request(Secret::new().digest(), pushed.clone(), used("c"), NOW).await.is_err());
    for _ in 0..2 {
        assert_eq!(store.request(reference.digest(), NOW).await.unwrap(), Some(pushed.clone()));
    }
    assert_eq!(store.request(reference.digest(), later(60)).await.unwrap(), None);
    assert!(store.take_request(reference.digest(), NOW).await.unwrap());
    assert!(!store.take_request(reference.digest(), NOW).await.unwrap());
    assert!(!store.approve_request(reference.digest(), code(&Secret::new(), "never"), NOW).await.unwrap());
    assert_eq!(store.grant("never".to_owned(), NOW).await.unwrap(), None);
}

/// A code that comes twice takes everything with it.
async fn revokes_what_was_stolen<S: Store>(store: &S) {
    let secret = approved(store, "stolen").await;
    assert_eq!(store.redeem_code(secret.digest(), Vec::new(), later(60)).await.unwrap(), Redeemed::Unknown);
    let Redeemed::First(redeemed) = store.redeem_code(secret.digest(), Vec::new(), NOW).await.unwrap() else { panic!("not the first") };
    assert_eq!(redeemed.grant, grant("stolen"));
    let refresh = Secret::new();
    let mut issued = token("jti", Some("stolen"));
    issued.refresh = Some((refresh.digest(), later(900)));
    assert!(store.save_issued(issued, NOW).await.unwrap());
    assert!(matches!(store.standing(Digest::of("jti"), NOW).await.unwrap(), Standing::Live { .. }));
    assert!(store.refresh(refresh.digest(), Vec::new(), NOW).await.unwrap().is_some());

    let again = store.redeem_code(secret.digest(), Vec::new(), later(59)).await.unwrap();
    assert_eq!(again, Redeemed::Replayed("stolen".to_owned()));
    assert_eq!(store.standing(Digest::of("jti"), NOW).await.unwrap(), Standing::Revoked);
    assert_eq!(store.refresh(refresh.digest(), Vec::new(), NOW).await.unwrap(), None);
    assert!(!store.save_issued(token("late", Some("stolen")), NOW).await.unwrap(), "nothing is issued for what is revoked");
    assert_eq!(store.standing(Digest::of("late"), NOW).await.unwrap(), Standing::Unknown);
}

/// The feed tells of what was published and revoked, in order.
async fn tells_gateways<S: Store>(store: &S) {
    let start = store.publications(0, 1000, NOW).await.unwrap().last().map_or(0, |last| last.cursor);
    let mut split = token("ticket", None);
    split.counterfoil = Some("head.payload".to_owned());
    assert!(store.save_issued(split.clone(), NOW).await.unwrap());
    let found = store.standing(Digest::of("ticket"), NOW).await.unwrap();
    assert!(matches!(&found, Standing::Live { counterfoil: Some(text), .. } if text == "head.payload"), "{found:?}");
    assert_eq!(store.owner(Digest::of("ticket"), NOW).await.unwrap(), Some(("client".to_owned(), later(300))));
    for _ in 0..2 {
        store.revoke_access_token(split.token.clone().unwrap(), Vec::new(), NOW).await.unwrap();
    }
    let told = store.publications(start, 1000, NOW).await.unwrap();
    let kinds: Vec<_> = told.iter().map(|entry| (entry.kind, entry.counterfoil.is_some())).collect();
    assert_eq!(kinds, [(PublicationKind::Publish, true), (PublicationKind::Revoke, false)]);
    assert!(told[0].cursor < told[1].cursor);
    assert_eq!(store.publications(start, 1, NOW).await.unwrap().len(), 1);
    assert_eq!(store.standing(Digest::of("ticket"), NOW).await.unwrap(), Standing::Revoked);
    assert_eq!(store.publications(start, 1000, later(300)).await.unwrap(), []);
}

fn backchannel() -> BackchannelRequest {
    BackchannelRequest {
        client_id: "client".to_owned(),
        subject: "alice".to_owned(),
        scope: vec!["openid".to_owned()],
        resources: Vec::new(),
        authorization_details: Value::Null,
        acr_values: Vec::new(),
        binding_message: Some("1234".to_owned()),
        notification: None,
        created_at: NOW.0,
        good_until: later(120).0,
    }
}

fn poll_of(client_id: &str, uses: Vec<Use>) -> Poll {
    Poll { client_id: client_id.to_owned(), uses, is_paced: true }
}

/// People are asked on another device: a poll finds what they have answered, once, and must not come too often.
async fn asks_people<S: Store>(store: &S) {
    let begin = async |name: &str| {
        let secret = Secret::new();
        assert!(store.begin_backchannel(secret.digest(), backchannel(), 5, 9, used(&format!("begins {name}")), NOW).await.unwrap());
        secret.digest()
    };
    let poll = async |key, seconds| store.poll_backchannel(key, poll_of("client", Vec::new()), later(seconds)).await.unwrap();
    let key = begin("one").await;
    assert!(store.begin_backchannel(Secret::new().digest(), backchannel(), 5, 9, used("begins one"), NOW).await.is_err());
    assert_eq!(store.backchannel_request(key, NOW).await.unwrap(), Some(backchannel()));
    assert_eq!(store.backchannel_requests("alice".to_owned(), NOW).await.unwrap(), [(key, backchannel())]);
    assert_eq!(store.backchannel_requests("bob".to_owned(), NOW).await.unwrap(), []);

    // Another client's and another person's are counted for themselves.
    let more = async |request| store.begin_backchannel(Secret::new().digest(), request, 5, 1, Vec::new(), NOW).await.unwrap();
    assert!(!more(backchannel()).await);
    assert!(more(BackchannelRequest { client_id: "another".to_owned(), ..backchannel() }).await);
    assert!(more(BackchannelRequest { subject: "carol".to_owned(), ..backchannel() }).await);

    // The pace: five seconds, ten after the first haste. Half a second is nobody's fault, so four are enough.
    assert_eq!(poll(key, 0).await, Polled::Pending);
    assert_eq!(poll(key, 4).await, Polled::Pending);
    assert_eq!(poll(key, 6).await, Polled::TooSoon);
    assert_eq!(poll(key, 11).await, Polled::TooSoon);
    assert_eq!(poll(key, 25).await, Polled::Pending);
    let unpaced = Poll { is_paced: false, ..poll_of("client", Vec::new()) };
    assert_eq!(store.poll_backchannel(key, unpaced, later(26)).await.unwrap(), Polled::Pending);
    // What a poll comes with is used up even where the answer is no.
    store.poll_backchannel(key, poll_of("client", used("polls")), later(60)).await.unwrap();
    let again = store.poll_backchannel(key, poll_of("client", used("polls")), later(60)).await;
    assert_eq!(again, Err(StoreError::Replayed(UseKind::ClientAssertion)));

    // Once, and by the client itself.
    assert!(store.decide_backchannel(key, Some(grant("asked")), later(60)).await.unwrap());
    assert!(!store.decide_backchannel(key, None, later(60)).await.unwrap(), "it was answered");
    let waiting = store.backchannel_requests("alice".to_owned(), later(60)).await.unwrap();
    assert!(waiting.iter().all(|(other, _)| *other != key), "it does not wait any more");
    let stranger = store.poll_backchannel(key, poll_of("other", Vec::new()), later(61)).await.unwrap();
    assert_eq!(stranger, Polled::Unknown);
    assert_eq!(poll(key, 61).await, Polled::Approved(Box::new(grant("asked"))));
    for seconds in [61, 62, 500] {
        assert_eq!(poll(key, seconds).await, Polled::Unknown);
    }
    assert!(store.save_issued(token("of asked", Some("asked")), later(61)).await.unwrap());

    let refused = begin("refused").await;
    assert!(store.decide_backchannel(refused, None, NOW).await.unwrap());
    assert_eq!(poll(refused, 1).await, Polled::Denied);
    assert_eq!(poll(refused, 2).await, Polled::Denied);

    let late = begin("late").await;
    assert_eq!(poll(late, 120).await, Polled::Expired);
    assert!(!store.decide_backchannel(late, Some(grant("never asked")), later(120)).await.unwrap());
    assert_eq!(store.backchannel_request(late, later(120)).await.unwrap(), None);
    assert_eq!(store.grant("never asked".to_owned(), NOW).await.unwrap(), None);

    // Approved in time, and fetched too late; and approved, and revoked before it was fetched.
    let slow = begin("slow").await;
    assert!(store.decide_backchannel(slow, Some(grant("slow")), NOW).await.unwrap());
    assert_eq!(poll(slow, 120).await, Polled::Expired);
    let revoked = begin("revoked").await;
    assert!(store.decide_backchannel(revoked, Some(grant("asked and revoked")), NOW).await.unwrap());
    store.revoke_grant("asked and revoked".to_owned(), NOW).await.unwrap();
    poll(revoked, 1).await;
    assert!(!store.save_issued(token("of revoked", Some("asked and revoked")), later(1)).await.unwrap());

    assert_eq!(store.poll_backchannel(Digest::of("none"), poll_of("client", Vec::new()), NOW).await.unwrap(), Polled::Unknown);
}

/// `requests` of them, each approved once by one of `at_once` and fetched once by one of `at_once`.
async fn polls_race<S: Store>(store: &Arc<S>, requests: usize, at_once: usize) {
    for number in 0..requests {
        let key = Secret::new().digest();
        assert!(store.begin_backchannel(key, backchannel(), 5, 9, Vec::new(), NOW).await.unwrap());
        let mut tries = tokio::task::JoinSet::new();
        for turn in 0..at_once {
            let (store, name) = (store.clone(), format!("polls-{number}-{turn}"));
            tries.spawn(async move { store.decide_backchannel(key, Some(grant(&name)), NOW).await.unwrap() });
        }
        assert_eq!(tries.join_all().await.into_iter().filter(|decided| *decided).count(), 1, "request {number}");
        let mut tries = tokio::task::JoinSet::new();
        for _ in 0..at_once {
            let store = store.clone();
            tries.spawn(async move { store.poll_backchannel(key, poll_of("client", Vec::new()), NOW).await.unwrap() });
        }
        let outcomes = tries.join_all().await;
        assert_eq!(outcomes.iter().filter(|outcome| matches!(outcome, Polled::Approved(_))).count(), 1, "request {number}");
    }
}

/// Sweeping forgets what has expired and nothing else.
async fn sweeps<S: Store>(store: &S) {
    let secret = approved(store, "kept").await;
    store.sweep(NOW).await.unwrap();
    assert!(matches!(store.redeem_code(secret.digest(), Vec::new(), NOW).await.unwrap(), Redeemed::First(_)));
    assert!(store.sweep(later(361)).await.unwrap() > 0);
    assert_eq!(store.redeem_code(secret.digest(), Vec::new(), NOW).await.unwrap(), Redeemed::Unknown);
    assert_eq!(store.sweep(later(361)).await.unwrap(), 0);
    assert!(store.grant("kept".to_owned(), later(361)).await.unwrap().is_some());
}

pub(crate) async fn passes<S: Store>(store: S, codes: usize, at_once: usize) {
    let store = Arc::new(store);
    is_single_use(&*store).await;
    revokes_what_was_stolen(&*store).await;
    tells_gateways(&*store).await;
    asks_people(&*store).await;
    polls_race(&store, codes, 16).await;
    races(&store, codes, at_once).await;
    other_races(&store, at_once).await;
    sweeps(&*store).await;
}

/// Each of `codes` codes and assertions is tried by `at_once` at the same time: one succeeds.
async fn races<S: Store>(store: &Arc<S>, codes: usize, at_once: usize) {
    for number in 0..codes {
        let secret = approved(&**store, &format!("race-{number}")).await;
        let mut tries = tokio::task::JoinSet::new();
        for _ in 0..at_once {
            let (store, key) = (store.clone(), secret.digest());
            let uses = used(&format!("race {number}"));
            tries.spawn(async move {
                let first = matches!(retried(|| store.redeem_code(key, Vec::new(), NOW)).await, Redeemed::First(_));
                let spent = match store.spend(uses, NOW).await {
                    Ok(()) => true,
                    Err(StoreError::Replayed(_)) => false,
                    Err(error) => panic!("{error}"),
                };
                (first, spent)
            });
        }
        let outcomes = tries.join_all().await;
        assert_eq!(outcomes.iter().filter(|(first, _)| *first).count(), 1, "code {number}");
        assert_eq!(outcomes.iter().filter(|(_, spent)| *spent).count(), 1, "assertion {number}");
        assert_eq!(store.grant(format!("race-{number}"), NOW).await.unwrap(), None);
    }
}

/// The other things that happen once, and what must not happen after a revocation. `COUNTERFOIL_RACES` says how often; 50 times where it does
/// not.
async fn other_races<S: Store>(store: &Arc<S>, at_once: usize) {
    let times = std::env::var("COUNTERFOIL_RACES").ok().map_or(50, |times| times.parse().expect("COUNTERFOIL_RACES is a number"));
    for number in 0..times {
        let name = format!("other-{number}");
        let pushed = Secret::new();
        let asked = PushedRequest { request: request(), opens_until: later(60).0, expires_at: later(60).0 };
        store.push_request(pushed.digest(), asked, Vec::new(), NOW).await.unwrap();
        let refresh = Secret::new();
        let secret = approved(&**store, &name).await;
        assert!(matches!(store.redeem_code(secret.digest(), Vec::new(), NOW).await.unwrap(), Redeemed::First(_)));
        let issued = Move { refresh: Some((refresh.digest(), later(300))), ..token(&name, Some(&name)) };
        assert!(store.save_issued(issued, NOW).await.unwrap());
        let mut tries = tokio::task::JoinSet::new();
        for turn in 0..at_once {
            let (store, name, key, refresh) = (store.clone(), name.clone(), pushed.digest(), refresh.digest());
            tries.spawn(async move {
                let code = code(&Secret::new(), &format!("{name}-{turn}"));
                let completed = store.approve_request(key, code, NOW).await.unwrap();
                let proof = Use { kind: UseKind::Proof, key: Digest::of(&name), until: later(300) };
                let spent = match store.spend(vec![proof], NOW).await {
                    Ok(()) => true,
                    Err(StoreError::Replayed(UseKind::Proof)) => false,
                    Err(error) => panic!("{error}"),
                };
                // One revokes while the others refresh; who begins after that gets nothing.
                if turn == at_once / 2 {
                    store.revoke_grant(name.clone(), NOW).await.unwrap();
                    assert_eq!(store.refresh(refresh, Vec::new(), NOW).await.unwrap(), None, "{name}");
                } else {
                    store.refresh(refresh, Vec::new(), NOW).await.unwrap();
                }
                (completed, spent)
            });
        }
        let outcomes = tries.join_all().await;
        assert_eq!(outcomes.iter().filter(|(completed, _)| *completed).count(), 1, "request {number}");
        assert_eq!(outcomes.iter().filter(|(_, spent)| *spent).count(), 1, "proof {number}");
        assert_eq!(store.refresh(refresh.digest(), Vec::new(), NOW).await.unwrap(), None, "refresh {number}");
    }
}

async fn retried<T, F: Future<Output = Result<T, StoreError>>>(attempt: impl Fn() -> F) -> T {
    attempt().await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_in_memory_passes() {
    passes(Sqlite::in_memory().unwrap(), 20, 32).await;
}

/// 1,000 codes, 32 at once each, durable.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_in_a_file_passes_with_a_thousand_codes() {
    let folder = std::env::temp_dir().join(format!("counterfoil-sqlite-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    passes(Sqlite::open(&folder.join("store.db")).unwrap(), 1000, 32).await;
    std::fs::remove_dir_all(&folder).unwrap();
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_opening_again_and_a_damaged_file_is_refused() {
    let folder = std::env::temp_dir().join(format!("counterfoil-reopen-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("store.db");
    let secret = {
        let store = Sqlite::open(&file).unwrap();
        store.spend(used("kept"), NOW).await.unwrap();
        approved(&store, "kept").await
    };
    let store = Sqlite::open(&file).unwrap();
    assert!(store.spend(used("kept"), NOW).await.is_err());
    assert!(matches!(store.redeem_code(secret.digest(), Vec::new(), NOW).await.unwrap(), Redeemed::First(_)));
    let bytes = std::fs::read(&file).unwrap();
    assert!(!bytes.windows(43).any(|window| window == secret.as_str().as_bytes()), "a code in the clear");

    let damaged = folder.join("damaged.db");
    std::fs::write(
        &damaged,
        b"this is no database, and it is long enough to have a header of one, which has 100 bytes and more than that, too",
    )
    .unwrap();
    assert!(matches!(Sqlite::open(&damaged), Err(StoreError::Corrupt(_))));
    std::fs::remove_dir_all(&folder).unwrap();
}
