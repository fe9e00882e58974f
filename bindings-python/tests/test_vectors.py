"""Every case of core/vectors through the public interface: the same code, and the same output, as in Rust."""

import base64
import collections
import json
import unittest

from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives import hashes

import counterfoil
import vectors
from counterfoil import Certificate, CounterfoilError, ResponseVerifier, Verifier, primitives
from vectors import octets

SMALL = {"token_cache": 8, "key_tables": 8}


def verdict(judge):
    try:
        return "ok", judge() or {}
    except CounterfoilError as error:
        return error.code, {"status": error.status, "www_authenticate": error.www_authenticate, "dpop_nonce": error.dpop_nonce is not None}


def holder(shown):
    """The keyword arguments for a presenter."""
    if shown == "bearer":
        return {}
    if "certificate" in shown:
        return {"certificate": vectors.certificate(shown["certificate"])}
    if "thumbprint" in shown:
        return {"certificate": Certificate.of_thumbprint(octets(shown["thumbprint"]))}
    dpop = shown["dpop"]
    return {"dpop": octets(dpop["proof"]), "method": dpop["method"], "url": dpop["url"]}


def verifier(document, policy, **more):
    return Verifier(issuers=[vectors.issuer(document, policy)], dpop=vectors.proofs(policy), realm=policy.get("realm"), **SMALL, **more)


def access_token(document, policy, given, now):
    own, shown = verifier(document, policy), holder(given["presenter"])
    token = own.accept(octets(given["token"]), now=now, **shown)
    if "dpop" not in shown:
        (batched,) = own.accept_batch([(octets(given["token"]), shown.get("certificate"))], now=now)
        assert batched.payload == token.payload, "the batch disagrees"
        assert own.accept(octets(given["token"]), now=now, **shown).claims == token.claims, "the memory disagrees"
    return {"claims": token.claims}


def split_token(document, policy, given, now):
    counterfoil_, ticket = octets(given["counterfoil"]), octets(given["ticket"])
    token = verifier(document, policy).accept_split(counterfoil_, ticket, now=now, **holder(given["presenter"]))
    return {"claims": token.claims, "joined": counterfoil.join(counterfoil_, ticket)}


def dpop(document, policy, given, now):
    own = Verifier("https://as.example", "https://api.example", jwks={"keys": [JWK]}, dpop=vectors.proofs(policy), **SMALL)

    def judge(given, now):
        token = None if given["token"] is None else octets(given["token"])
        return own.accept_proof(octets(given["proof"]), given["method"], given["url"], token, now=now)

    for earlier in given.get("before", []):
        assert verdict(lambda: judge(earlier, earlier["now"]) and None)[0] == earlier["expect"], "an earlier proof"
    return {"thumbprint": judge(given, now).thumbprint}


def jarm(document, policy, given, now):
    rules = ResponseVerifier(policy["issuer"], policy["client_id"], jwks=vectors.key_set(document, policy), algorithms=policy["algorithms"])
    sent = {"query": given["query"]} if "query" in given else {"response": octets(given["response"])}
    return rules.accept(state=policy.get("state"), now=now, **sent)


def request(document, policy, given, now):
    own = verifier(document, policy)

    def judge(given, now):
        headers = [("authorization", octets(value)) for value in given.get("authorization", [])]
        headers += [(b"DPoP", octets(value)) for value in given.get("dpop", [])]
        certificate = given.get("certificate") and vectors.certificate(given["certificate"])
        token = own.accept_request(given["method"], given["url"], headers, certificate, now=now)
        return {"claims": token.claims, "status": 200, "dpop_nonce": own.dpop_nonce(now=now) is not None}

    for earlier in given.get("before", []):
        assert verdict(lambda: judge(earlier, earlier["now"]))[0] == earlier["expect"], "an earlier request"
    return judge(given, now)


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


KEY = ec.derive_private_key(7, ec.SECP256R1())
POINT = KEY.public_key().public_numbers()
JWK = {"kty": "EC", "crv": "P-256", "x": b64(POINT.x.to_bytes(32, "big")), "y": b64(POINT.y.to_bytes(32, "big"))}


def htu(_, __, given, ___):
    """With a proof of the test's own."""
    try:
        htu, url = octets(given["htu"]).decode(), octets(given["url"]).decode()
    except UnicodeDecodeError:
        raise counterfoil.errors.ProofError(next(n for n, row in counterfoil.errors.CODES.items() if row[0] == "proof_url")) from None
    head = b64(json.dumps({"typ": "dpop+jwt", "alg": "ES256", "jwk": JWK}).encode())
    body = b64(json.dumps({"jti": "1", "htm": "GET", "htu": htu, "iat": 0}).encode())
    r, s = utils.decode_dss_signature(KEY.sign(f"{head}.{body}".encode(), ec.ECDSA(hashes.SHA256())))
    proof = f"{head}.{body}." + b64(r.to_bytes(32, "big") + s.to_bytes(32, "big"))
    own = Verifier("https://as.example", "https://api.example", jwks={"keys": [JWK]}, dpop={"replay_capacity": 64}, **SMALL)
    own.accept_proof(proof, "GET", url, now=0)


def ticket(_, __, given, ___):
    text = octets(given["ticket"])
    return {encoding: counterfoil.counterfoil_key(text, encoding) for encoding in ("base64url", "base64", "hex")}


KINDS = {
    "access_token": access_token, "split_token": split_token, "dpop": dpop, "jarm": jarm, "request": request, "htu": htu, "ticket": ticket,
    "signature": lambda _, policy, given, __: primitives.verify_signature(
        octets(given["jwk"]), policy["algorithms"][0], octets(given["signing_input"]), octets(given["signature"])),
    "jwk": lambda _, policy, given, __: {"thumbprint": primitives.jwk_thumbprint(octets(given["jwk"]), policy["algorithms"])},
    "jwks": lambda _, policy, given, __: {
        "refused": [list(pair) for pair in primitives.load_jwks(octets(given["jwks"]), policy["algorithms"], policy.get("capacity", 8))]},
    "json": lambda _, __, given, ___: primitives.parse_json(octets(given["text"])) and None,
    "base64url": lambda _, __, given, ___: {"hex": primitives.decode_base64url(octets(given["text"])).hex()},
    "certificate": lambda _, __, given, ___: {"thumbprint": vectors.certificate(given).thumbprint},
    "ticket_hash": lambda _, __, given, ___: {"hex": primitives.read_counterfoil_key(octets(given["text"]), given["encoding"]).hex()},
}


class Vectors(unittest.TestCase):
    def test_every_vector_has_its_verdict(self):
        ran, wrong = collections.Counter(), []
        for document, case, policy in vectors.cases():
            got, output = verdict(lambda: KINDS[case["kind"]](document, policy, case["input"], case.get("now")))
            ran[case["kind"]] += 1
            wanted = case.get("output", {})
            differs = {name: (output.get(name), value) for name, value in wanted.items() if not same(name, output.get(name), value)}
            if got != case["expect"] or differs:
                wrong.append(f"{case['id']}: {got} instead of {case['expect']} {differs}")
        print(dict(ran))
        self.assertEqual(wrong, [], f"{len(wrong)} wrong")
        self.assertEqual(set(ran), set(KINDS))
        self.assertGreater(sum(ran.values()), 5500)


def same(name, got, wanted):
    if name == "claims":
        return all(got.get(claim) == value for claim, value in wanted.items())
    return got == wanted


if __name__ == "__main__":
    unittest.main()
