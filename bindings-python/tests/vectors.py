"""core/vectors/*.json as this package reads it; the schema is in core/vectors/README.md."""

import json
import pathlib

from counterfoil import Certificate, Issuer, Verifier
from counterfoil.gate import Gate

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "core/vectors"
#: The generator of P-256, a key like any other.
JWKS = {"keys": [{"kty": "EC", "crv": "P-256", "x": "axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY", "y": "T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU"}]}
FORMS = {"der": Certificate.der, "pem": Certificate.pem, "escaped_pem": Certificate.escaped_pem, "client_cert": Certificate.client_cert}


def octets(text):
    """A text of the schema: plain, {"hex"}, {"text", "times"}, or a list of those."""
    if isinstance(text, str):
        return text.encode()
    if isinstance(text, list):
        return b"".join(octets(part) for part in text)
    return bytes.fromhex(text["hex"]) if "hex" in text else (text["text"] * text["times"]).encode()


def cases():
    """Every case with its file's document and its policy."""
    for file in sorted(FOLDER.glob("*.json")):
        document = json.loads(file.read_text())
        for case in document["cases"]:
            own = case.get("policy", {})
            named = document["policies"] if "policies" in document else {}
            policy = named[own] if isinstance(own, str) else {**named.get(own.get("base"), {}), **own}
            yield document, case, policy


def key_set(document, policy):
    jwks = policy["jwks"]
    if isinstance(jwks, str) and jwks in document.get("jwks", {}):
        jwks = document["jwks"][jwks]
    return json.dumps(jwks) if isinstance(jwks, dict) and "keys" in jwks else octets(jwks)


def issuer(document, policy):
    profile = policy.get("profile")
    listed = {"types": profile["types"], "required_claims": profile["required"]} if isinstance(profile, dict) else {}
    same = ("algorithms", "binding", "leeway", "scopes", "acr_values", "max_age", "max_token_bytes", "max_header_bytes")
    own = {name: policy[name] for name in same if policy.get(name) is not None}
    return Issuer(policy["issuer"], policy["audience"], jwks=key_set(document, policy), key_memory=8192, **own, **listed)


def proofs(policy):
    """The member `dpop` of a verifier's settings."""
    import base64

    settings = {name: policy[name] for name in ("algorithms", "past", "ahead") if policy.get(name) is not None}
    settings["replay_capacity"] = policy.get("store_capacity", 64)
    if policy.get("nonce"):
        secret = base64.urlsafe_b64encode(bytes.fromhex(policy["nonce"]["secret_hex"])).rstrip(b"=").decode()
        settings.update(nonce_secret=secret, nonce_step=policy["nonce"]["step"])
    return settings


def certificate(shown):
    """Several fields are refused by whoever reads the request's headers."""
    values = [octets(value) for value in shown["values"]]
    if len(values) == 1:
        return FORMS[shown["form"]](values[0])
    verifier = Verifier("https://as.example", "https://api.example", jwks=JWKS)
    gate = Gate(verifier, "https://api.example", certificate_header=("Client-Cert", shown["form"]), trusted_peers=["127.0.0.1"])
    gate.accept("GET", "/", [(b"client-cert", value) for value in values], None, "127.0.0.1")
