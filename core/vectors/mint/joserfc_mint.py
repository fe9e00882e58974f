"""Mints ../joserfc.json with `joserfc`: tokens, proofs and JARM responses of an implementation that is not ours.

ECDSA and PSS draw random numbers there, so each run gives other signatures: run it on purpose only.
"""

import hashlib
import importlib.metadata
import json
import pathlib
import ssl

from joserfc import jws, jwt
from joserfc.jwk import ECKey, OKPKey, RSAKey

from book import Book
from encoding import b64u

KEYS = json.loads(pathlib.Path(__file__).with_name("keys.json").read_text())["keys"]
VERSION = importlib.metadata.version("joserfc")
NOW = 1_700_000_000
ISSUER = "https://login.example.net/realm"
AUDIENCE = "urn:example:orders"
CLIENT = "outside client/7"
STATE = "x+y/z=~\u20ac"
URL = "https://orders.example.net:8443/v1/orders"
ISSUERS = {"ES256": "issuer-es", "PS256": "issuer-ps-3072", "EdDSA": "issuer-ed", "Ed25519": "issuer-ed-full", "RS256": "issuer-ps-4096"}
CLIENTS = {"ES256": "client-es-2", "PS256": "issuer-ps-2049", "EdDSA": "client-ed"}
OTHERS = {"ES256": "attacker-es", "PS256": "attacker-ps", "RS256": "attacker-ps", "EdDSA": "attacker-ed", "Ed25519": "attacker-ed"}
PEM = pathlib.Path(__file__).with_name("certificates").joinpath("joserfc.pem").read_text()
THUMBPRINT = b64u(hashlib.sha256(ssl.PEM_cert_to_DER_cert(PEM)).digest())
HOLDER = {"certificate": {"form": "pem", "values": [PEM]}}


def key_of(name):
    kind = {"EC": ECKey, "RSA": RSAKey, "OKP": OKPKey}[KEYS[name]["kty"]]
    return kind.import_key(KEYS[name])


def public(name):
    return key_of(name).as_dict(private=False)


def kid_of(alg):
    return hashlib.sha256(alg.encode()).hexdigest()[:16]


SETS = {alg: {"keys": [{name: value for name, value in public(key).items() if name != "kid"} | {"kid": kid_of(alg), "alg": alg}]} for alg, key in ISSUERS.items()}
BASE = {"issuer": ISSUER, "audience": AUDIENCE}
POLICIES = {alg: BASE | {"algorithms": [alg], "jwks": alg} for alg in ISSUERS}
POLICIES |= {f"jarm-{alg}": {"issuer": ISSUER, "client_id": CLIENT, "state": STATE, "algorithms": [alg], "jwks": alg} for alg in ISSUERS}
POLICIES["dpop"] = {"algorithms": list(CLIENTS)}


def jwk_of(name):
    """The members that a proof needs, as joserfc writes them."""
    return {member: value for member, value in public(name).items() if member in ("kty", "crv", "x", "y", "n", "e")}


def claims(**change):
    good = {"iss": ISSUER, "aud": [AUDIENCE], "sub": "s\u00fcbject", "client_id": CLIENT, "exp": NOW + 60, "iat": NOW - 1, "nbf": NOW - 1, "jti": "joserfc", "scope": "read write", "cnf": {"x5t#S256": THUMBPRINT}}
    return good | change


def encode(alg, payload, name=None, **header):
    """joserfc checks the header against its registry; what it does not know it is told to let through."""
    head = {"alg": alg, "kid": kid_of(alg)} | header
    registry = jws.JWSRegistry(algorithms=[alg], strict_check_header=False)
    return jwt.encode(head, payload, key_of(name or ISSUERS[alg]), algorithms=[alg], registry=registry, default_type=None)


def proof(alg, token, name=None, jwk=None, typ="dpop+jwt", **change):
    payload = {"jti": "joserfc-proof", "htm": "POST", "htu": URL, "iat": NOW} | ({} if token is None else {"ath": b64u(hashlib.sha256(token.encode()).digest())}) | change
    registry = jws.JWSRegistry(algorithms=[alg], strict_check_header=False)
    return jwt.encode({"alg": alg, "typ": typ, "jwk": jwk or jwk_of(CLIENTS[alg])}, payload, key_of(name or CLIENTS[alg]), algorithms=[alg], registry=registry, default_type=None)


def access_tokens(book, alg):
    made = lambda what, value, expect="ok", **more: book.token(f"joserfc.{alg}.{what}", value, expect, alg, HOLDER, **more)
    good = made("mtls", encode(alg, claims(), typ="at+jwt"), output={"claims": claims()})
    made("mtls-application-typ", encode(alg, claims(), typ="application/at+jwt"))
    made("mtls-details", encode(alg, claims(authorization_details=[{"type": "a"}], acr="high", auth_time=NOW - 10), typ="at+jwt"))
    made("expired", encode(alg, claims(exp=NOW - 10), typ="at+jwt"), "token_expired", twin=good)
    made("not-yet", encode(alg, claims(nbf=NOW + 11), typ="at+jwt"), "token_not_yet_valid", twin=good)
    made("other-issuer", encode(alg, claims(iss=ISSUER + "/"), typ="at+jwt"), "issuer_mismatch", twin=good)
    # The attacker's RSA key is shorter than the issuer's, and so is its signature.
    made("other-key", encode(alg, claims(), OTHERS[alg], typ="at+jwt"), "signature_length" if alg in ("PS256", "RS256") else "signature_invalid", twin=good)
    made("no-typ", encode(alg, claims()), "type_mismatch", twin=good)
    unbound = claims()
    del unbound["cnf"]
    made("unbound", encode(alg, unbound, typ="at+jwt"), "confirmation_missing", twin=good)
    value = encode(alg, claims(), typ="at+jwt")
    head, _, ticket = value.rpartition(".")
    book.add(f"joserfc.{alg}.split", "split_token", {"counterfoil": head, "ticket": ticket, "presenter": HOLDER}, policy=alg, output={"joined": value})
    for client, name in CLIENTS.items():
        bound = claims(cnf={"jkt": key_of(name).thumbprint()})
        value = encode(alg, bound, typ="at+jwt")
        policy = {"base": alg, "algorithms": list(dict.fromkeys([alg, *CLIENTS]))}
        presenter = {"dpop": {"proof": proof(client, value), "method": "POST", "url": URL}}
        book.token(f"joserfc.{alg}.dpop-{client}", value, policy=policy, presenter=presenter, output={"claims": bound})


def proofs(book, alg):
    thumbprint = key_of(CLIENTS[alg]).thumbprint()
    book.add(f"joserfc.{alg}.thumbprint", "jwk", {"jwk": json.dumps(public(CLIENTS[alg]))}, policy={"algorithms": [alg]}, output={"thumbprint": thumbprint})
    token = "opaque~reference.of-the/test+1"

    def made(what, value, expect="ok", **change):
        given = {"proof": value, "method": "POST", "url": URL, "token": token} | change
        more = {"output": {"thumbprint": thumbprint}} if expect == "ok" else {"twin": f"joserfc.{alg}.proof"}
        book.add(f"joserfc.{alg}.{what}", "dpop", given, expect, "dpop", **more)

    made("proof", proof(alg, token))
    made("proof-at-the-token-endpoint", proof(alg, None), token=None)
    made("proof-window-back", proof(alg, token, iat=NOW - 300))
    made("proof-window-ahead", proof(alg, token, iat=NOW + 10))
    made("proof-old", proof(alg, token, iat=NOW - 301), "proof_issued_at")
    made("proof-other-url", proof(alg, token, htu=URL.replace(":8443", "")), "proof_url")
    made("proof-other-token", proof(alg, token + "x"), "proof_token_hash")
    made("proof-typ", proof(alg, token, typ="JWT"), "proof_type")
    made("proof-other-key", proof(alg, token, name=OTHERS[alg]), "proof_signature")
    made("proof-private-jwk", proof(alg, token, jwk=KEYS[CLIENTS[alg]]), "proof_key_invalid")


def responses(book, alg):
    common = {"iss": ISSUER, "aud": CLIENT, "exp": NOW + 599, "state": STATE}
    made = lambda what, payload, expect="ok", **more: book.add(f"joserfc.{alg}.{what}", "jarm", {"response": encode(alg, payload)}, expect, f"jarm-{alg}", **more)
    good = made("jarm-code", common | {"code": "c0de-\u00fc"}, output={"code": "c0de-\u00fc"})
    made("jarm-error", common | {"error": "login_required"}, output={"error": "login_required"})
    made("jarm-both", common | {"code": "c", "error": "login_required"}, "response_ambiguous", twin=good)
    made("jarm-other-client", common | {"code": "c", "aud": "another"}, "response_audience", twin=good)
    made("jarm-an-hour", common | {"code": "c", "exp": NOW + 3600}, "response_lifetime", twin=good)


def main():
    book = Book("joserfc", f"Tokens, proofs and JARM responses minted by joserfc {VERSION} (PyPI).", SETS, POLICIES)
    book.source = f"joserfc {VERSION}"
    for alg in ISSUERS:
        access_tokens(book, alg)
        responses(book, alg)
    for alg in CLIENTS:
        proofs(book, alg)
    print("joserfc.json: %d cases, %d bytes" % book.write())


if __name__ == "__main__":
    main()
