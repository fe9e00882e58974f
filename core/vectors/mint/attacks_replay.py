"""Rows DPO-07 to DPO-09, DPO-13 and DPO-14: what is remembered of proofs, and nonces."""

import hashlib
import hmac
import json

from attacks_dpop import ALGORITHM, METHOD, POLICY, TOKEN, add, ath, proof, proof_claims, proof_header, request
from book import CLIENT_KEYS, NOW, URL, Book, Key, Raw, alter_segment, members
from encoding import b64u, text
from signing import P256_ORDER, p1363, signing_input

SECRET = bytes(range(32, 64))
STEP = 60
NONCES = {"base": "dpop", "nonce": {"secret_hex": SECRET.hex(), "step": STEP}}


def nonce(at, secret=SECRET, step=STEP):
    """The formula of core/src/oauth/nonce.rs."""
    message = b"counterfoil dpop-nonce v1" + (at // step).to_bytes(8, "big")
    return b64u(hmac.new(secret, message, hashlib.sha256).digest())


def earlier(value, expect="ok", now=NOW, token=TOKEN, method=METHOD, url=URL):
    return request(value, token, method, url) | {"now": now, "expect": expect}


def sequence(book, identifier, before, value, expect="ok", now=NOW, policy="dpop", token=TOKEN, method=METHOD, url=URL, twin=None, output=None):
    given = request(value, token, method, url) | {"before": before}
    return book.add(identifier, "dpop", given, expect, policy, now=now, twin=twin, output=output)


def replays(book):
    for alg, name in CLIENT_KEYS.items():
        key = Key(name)
        first = proof(key)
        fresh = sequence(book, f"DPO-07.{alg}-another-jti", [earlier(first)], proof(key, payload=proof_claims(jti="proof-2")), output={"thumbprint": key.thumbprint()})
        replay = lambda what, value, now=NOW + 1, **more: sequence(book, f"DPO-07.{alg}-{what}", [earlier(first)], value, "proof_replayed", now, twin=fresh, **more)
        replay("same-proof", first)
        replay("same-second", first, NOW)
        replay("signed-again-later", proof(key, payload=proof_claims(iat=NOW + 1)))
        replay("other-htu-spelling", proof(key, payload=proof_claims(htu=URL.replace("https://api", "HTTPS://API") + "?x=1#y")))
        replay("other-url", proof(key, payload=proof_claims(htu="https://api.example.com/payments")), url="https://api.example.com/payments")
        replay("other-method", proof(key, payload=proof_claims(htm="POST")), method="POST")
        replay("other-token", proof(key, "another"), token="another")
        replay("more-claims", proof(key, payload=proof_claims(x=1)))
        replay("header-reordered", proof(key, head={"jwk": key.jwk(), "alg": ALGORITHM[key.kty], "typ": "dpop+jwt"}))
        replay("jwk-reordered", proof(key, head=proof_header(key, jwk=dict(reversed(key.jwk(kid="k").items())))))
        replay("jti-escaped", proof(key, payload=members(proof_claims() | {"jti": Raw('"proof\\u002d1"')})))
        if alg == "ES256":
            head = signing_input(proof_header(key), proof_claims())
            r, s = key.ecdsa(head.encode())
            replay("s-negated", f"{head}.{b64u(p1363(r, P256_ORDER - s))}")
        sequence(book, f"DPO-07.{alg}-jti-in-another-case", [earlier(first)], proof(key, payload=proof_claims(jti="PROOF-1")))
        sequence(book, f"DPO-07.{alg}-jti-with-blank", [earlier(first)], proof(key, payload=proof_claims(jti="proof-1 ")))
        other = Key({"ES256": "client-es-2", "PS256": "attacker-ps", "EdDSA": "attacker-ed"}[alg])
        sequence(book, f"DPO-07.{alg}-same-jti-of-another-key", [earlier(first)], proof(other), output={"thumbprint": other.thumbprint()})
        sequence(book, f"DPO-07.{alg}-third-use", [earlier(first), earlier(first, "proof_replayed", NOW + 5)], first, "proof_replayed", NOW + 10, twin=fresh)
        long = proof(key, payload=proof_claims(jti="j" * 256))
        sequence(book, f"DPO-07.{alg}-long-jti", [earlier(long)], long, "proof_replayed", twin=fresh)
        sequence(book, f"DPO-07.{alg}-long-jti-last-octet", [earlier(long)], proof(key, payload=proof_claims(jti="j" * 255 + "k")))
    key = Key("client-es")
    fresh = "DPO-07.ES256-another-jti"
    for ahead, delay, expect in [
        (4, 300, "proof_replayed"), (4, 303, "proof_replayed"), (4, 304, "proof_replayed"), (4, 305, "proof_issued_at"), (10, 309, "proof_replayed"), (10, 310, "proof_replayed"), (10, 311, "proof_issued_at"), (0, 300, "proof_replayed"), (0, 301, "proof_issued_at"), (-299, 1, "proof_replayed"), (-299, 2, "proof_issued_at"), (-300, 0, "proof_replayed"),
    ]:
        value = proof(key, payload=proof_claims(iat=NOW + ahead))
        sequence(book, f"DPO-08.iat-{ahead:+}-again-after-{delay}", [earlier(value)], value, expect, NOW + delay, twin=fresh)
    half = proof(key, payload=members(proof_claims() | {"iat": Raw(f"{NOW}.5")}))
    sequence(book, "DPO-08.fraction-again-at-the-edge", [earlier(half, now=NOW + 1)], half, "proof_replayed", NOW + 300, twin=fresh)
    short = {"base": "dpop", "past": 60, "ahead": 5}
    value = proof(key, payload=proof_claims(iat=NOW + 5))
    sequence(book, "DPO-08.own-window-inside", [earlier(value)], value, "proof_replayed", NOW + 65, short, twin=fresh)
    sequence(book, "DPO-08.own-window-outside", [earlier(value)], value, "proof_issued_at", NOW + 66, short, twin=fresh)
    later = proof(key, payload=proof_claims(iat=NOW + 400))
    sequence(book, "DPO-08.jti-free-again-after-the-window", [earlier(proof(key))], later, now=NOW + 400)
    sequence(book, "DPO-08.clock-back", [earlier(proof(key)), earlier(proof(key, payload=proof_claims(jti="late", iat=NOW + 400)), now=NOW + 400)], proof(key), "proof_issued_at", NOW, twin=fresh)


def nothing_burnt(book):
    for alg, name in CLIENT_KEYS.items():
        key = Key(name)
        good = proof(key)
        forged = alter_segment(good, 2, lambda s: ("B" if s[0] != "B" else "C") + s[1:])
        failures = {
            "forged": (forged, "proof_signature", {}), "wrong-method": (good, "proof_method", {"method": "POST"}), "wrong-url": (good, "proof_url", {"url": "https://api.example.com/"}), "wrong-token": (good, "proof_token_hash", {"token": "another"}), "too-early": (good, "proof_issued_at", {"now": NOW - 60}), "typ": (proof(key, head=proof_header(key, typ="JWT")), "proof_type", {}),
            "another-key": (proof(key, signer=Key({"ES256": "client-es-2", "PS256": "attacker-ps", "EdDSA": "attacker-ed"}[alg])), "proof_signature", {}),
        }
        for what, (value, expect, more) in failures.items():
            sequence(book, f"DPO-09.{alg}-{what}-first", [earlier(value, expect, **more)], good, output={"thumbprint": key.thumbprint()})
        sequence(book, f"DPO-09.{alg}-many-forged-first", [earlier(forged, "proof_signature")] * 40, good, policy={"base": "dpop", "store_capacity": 16})


def nonces(book):
    key = Key("client-es")
    with_nonce = lambda value, **change: proof(key, payload=proof_claims(nonce=value, **change))
    good = add(book, "DPO-13.current", with_nonce(nonce(NOW)), policy=NONCES, output={"thumbprint": key.thumbprint()})
    for back in (1, 2):
        add(book, f"DPO-13.{back}-steps-old", with_nonce(nonce(NOW - back * STEP)), policy=NONCES)
    refuse = lambda what, value, expect="nonce_invalid", policy=NONCES: add(book, f"DPO-13.{what}", value, expect, policy, twin=good)
    refuse("3-steps-old", with_nonce(nonce(NOW - 3 * STEP)))
    refuse("1-step-ahead", with_nonce(nonce(NOW + STEP)))
    refuse("a-day-old", with_nonce(nonce(NOW - 86400)))
    refuse("from-another-server", with_nonce(nonce(NOW, bytes(32))))
    refuse("other-step-length", with_nonce(nonce(NOW, step=30)))
    refuse("missing", proof(key), "nonce_required")
    for what, value in {
        "empty": "", "padded": nonce(NOW) + "=", "cut": nonce(NOW)[:-1], "blank": nonce(NOW) + " ", "case": nonce(NOW).swapcase(), "two": f"{nonce(NOW)} {nonce(NOW)}", "the-step": str(NOW // STEP), "purpose-left-out": b64u(hmac.new(SECRET, (NOW // STEP).to_bytes(8, "big"), hashlib.sha256).digest()), "hash-without-key": b64u(hashlib.sha256(b"counterfoil dpop-nonce v1" + (NOW // STEP).to_bytes(8, "big")).digest()),
        "little-endian": b64u(hmac.new(SECRET, b"counterfoil dpop-nonce v1" + (NOW // STEP).to_bytes(8, "little"), hashlib.sha256).digest()), "one-character": ("B" if nonce(NOW)[0] != "B" else "C") + nonce(NOW)[1:], "kib-1": "n" * 1024,
    }.items():
        refuse(what, with_nonce(value))
    for what, value in {"number": 1, "null": None, "list": [nonce(NOW)]}.items():
        refuse(what, with_nonce(value), "proof_claim_malformed")
    for what, value in {"any-text": "whatever", "empty": "", "own": nonce(NOW)}.items():
        add(book, f"DPO-13.ignored-where-none-is-demanded-{what}", with_nonce(value))
    add(book, "DPO-13.null-where-none-is-demanded", with_nonce(None), "proof_claim_malformed", twin=good)
    first, last = NOW // STEP * STEP, NOW // STEP * STEP + STEP - 1
    for what, issued, used, accepted in [("first-second", first, first, True), ("last-second-of-two-later", first, last + 2 * STEP, True), ("first-second-of-three-later", last, first + 3 * STEP, False), ("issued-last-used-next", last, last + 1, True)]:
        add(book, f"DPO-13.edge-{what}", with_nonce(nonce(issued), iat=used), "ok" if accepted else "nonce_invalid", NONCES, now=used, twin=None if accepted else good)
    second = {"base": "dpop", "nonce": {"secret_hex": SECRET.hex(), "step": 1}}
    for back, accepted in ((0, True), (2, True), (3, False)):
        add(book, f"DPO-13.step-1-{back}-old", with_nonce(nonce(NOW - back, step=1)), "ok" if accepted else "nonce_invalid", second, twin=None if accepted else good)
    long = bytes(range(200))
    add(book, "DPO-13.secret-of-200-octets", with_nonce(nonce(NOW, long)), policy={"base": "dpop", "nonce": {"secret_hex": long.hex(), "step": STEP}})
    for size in (0, 16, 31):
        add(book, f"DPO-13.secret-of-{size}-octets", with_nonce(nonce(NOW, bytes(size))), "secret_too_short", {"base": "dpop", "nonce": {"secret_hex": bytes(size).hex(), "step": STEP}}, twin=good)
    add(book, "DPO-13.step-0", with_nonce("x"), "limit_out_of_range", {"base": "dpop", "nonce": {"secret_hex": SECRET.hex(), "step": 0}}, twin=good)
    add(book, "DPO-13.clock-at-the-epoch", with_nonce(nonce(0), iat=0), policy=NONCES, now=0)
    add(book, "DPO-13.ath-before-nonce", with_nonce("x", ath="A" * 43), "proof_token_hash", NONCES, twin=good)
    add(book, "DPO-13.nonce-before-signature", alter_segment(with_nonce("x"), 2, lambda s: "AAAA" + s[4:]), "nonce_invalid", NONCES, twin=good)
    sequence(book, "DPO-13.a-bad-nonce-burns-nothing", [earlier(with_nonce("x"), "nonce_invalid"), earlier(proof(key), "nonce_required")], with_nonce(nonce(NOW)), policy=NONCES)
    sequence(book, "DPO-13.replay-with-a-new-nonce", [earlier(with_nonce(nonce(NOW - STEP)))], with_nonce(nonce(NOW)), "proof_replayed", policy=NONCES, twin=good)


def full_store(book):
    for alg, name in CLIENT_KEYS.items():
        key = Key(name)
        numbered = lambda i, **change: proof(key, payload=proof_claims(jti=f"number-{i}", **change))
        policy = {"base": "dpop", "store_capacity": 16}
        fill = [earlier(numbered(i)) for i in range(16)]
        twin = sequence(book, f"DPO-14.{alg}-sixteenth-of-sixteen", fill[:15], numbered(15), policy=policy)
        sequence(book, f"DPO-14.{alg}-seventeenth", fill, numbered(16), "replay_store_full", policy=policy, twin=twin)
        sequence(book, f"DPO-14.{alg}-full-still-knows-the-first", fill, numbered(0), "proof_replayed", policy=policy, twin=twin)
        sequence(book, f"DPO-14.{alg}-full-in-the-last-second", fill, numbered(16, iat=NOW + 300), "replay_store_full", NOW + 300, policy, twin=twin)
        sequence(book, f"DPO-14.{alg}-room-after-the-window", fill, numbered(16, iat=NOW + 301), now=NOW + 301, policy=policy)
        sequence(book, f"DPO-14.{alg}-full-and-forged", fill, alter_segment(numbered(16), 2, lambda s: "AAAA" + s[4:]), "proof_signature", policy=policy, twin=twin)
        if alg == "ES256":
            sequence(book, "DPO-14.refused-proof-is-not-remembered", [*fill, earlier(numbered(16, iat=NOW + 10), "replay_store_full")], numbered(16, iat=NOW + 10), now=NOW + 301, policy=policy)
            for size in (0, 1, 15):
                add(book, f"DPO-14.capacity-{size}", proof(key), "memory_too_small", {"base": "dpop", "store_capacity": size}, twin=twin)


def mint():
    book = Book("replay", "Attacks 1.8: replayed proofs, nonces, full stores.", policies=POLICY)
    book.source = "attack table 1.8"
    for part in (replays, nothing_burnt, nonces, full_store):
        part(book)
    return [book]
