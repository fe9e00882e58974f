"""core/vectors/*.json as C reads it: for each case `case KIND ID`, its fields as `NAME SIZE` and that many octets, and `end`.

Run by `cargo xtask test`: python3 ffi-c/tests/vectors.py > FILE. Nothing is decided here; core/vectors/README.md says what the fields mean.
"""

import base64
import glob
import json
import os
import sys

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
BITS = {"ES256": 1, "PS256": 2, "EdDSA": 4, "Ed25519": 8, "RS256": 16}
BINDINGS = {"required": 0, "mtls": 1, "dpop": 2, "optional": 3}
FORMS = {"der": 1, "pem": 2, "escaped_pem": 3, "client_cert": 4}
ENCODINGS = {"base64url": 0, "base64": 1, "hex": 2, "raw": 3}
out = sys.stdout.buffer


def octets(text):
    """A text of the schema: plain, {"hex"}, {"text", "times"}, or a list of those."""
    if isinstance(text, str):
        return text.encode()
    if isinstance(text, list):
        return b"".join(octets(part) for part in text)
    if "hex" in text:
        return bytes.fromhex(text["hex"])
    return (text["text"] * text["times"]).encode()


def put(name, value):
    value = str(value).encode() if isinstance(value, int) else octets(value)
    out.write(b"%s %d\n%s\n" % (name.encode(), len(value), value))


def compact(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def key_set(policy, document):
    jwks = policy["jwks"]
    if isinstance(jwks, str) and jwks in document.get("jwks", {}):
        jwks = document["jwks"][jwks]
    return compact(jwks) if isinstance(jwks, dict) and "keys" in jwks else jwks


def policy_of(case, document):
    own = case.get("policy", {})
    if isinstance(own, str):
        return document["policies"][own]
    return {**document["policies"].get(own.get("base"), {}), **own}


def put_policy(policy, document):
    if "algorithms" in policy:
        put("algorithms", sum(BITS[name] for name in policy["algorithms"]))
    if "jwks" in policy:
        put("jwks", key_set(policy, document))
    for name in ("issuer", "client_id", "state", "realm"):
        if isinstance(policy.get(name), str):
            put(name, policy[name])
    audience = policy.get("audience", [])
    for text in audience if isinstance(audience, list) else [audience]:
        put("audience", text)
    for name in ("scopes", "acr_values"):
        for text in policy.get(name, []):
            put(name, text)
    profile = policy.get("profile")
    if isinstance(profile, dict):
        put("profile", 1)
        for typ in profile["types"]:
            put("no_type", "") if typ is None else put("type", typ)
        for claim in profile["required"]:
            put("required", claim)
    if "binding" in policy:
        put("binding", BINDINGS[policy["binding"]])
    for name in ("leeway", "max_age", "max_token_bytes", "max_header_bytes", "past", "ahead", "store_capacity", "capacity"):
        if isinstance(policy.get(name), int):
            put(name, policy[name])
    if policy.get("nonce"):
        put("nonce_secret", {"hex": policy["nonce"]["secret_hex"]})
        put("nonce_step", policy["nonce"]["step"])


def put_certificate(certificate):
    put("certificate_form", FORMS[certificate["form"]])
    for value in certificate["values"]:
        put("certificate", value)


def put_presenter(presenter):
    if "certificate" in presenter:
        put_certificate(presenter["certificate"])
    elif "thumbprint" in presenter:
        put("thumbprint", presenter["thumbprint"])
    elif "dpop" in presenter:
        for name in ("proof", "method", "url"):
            put(name, presenter["dpop"][name])


def put_request(request):
    for name in ("method", "url"):
        put(name, request[name])
    for name in ("authorization", "dpop"):
        for value in request.get(name, []):
            put(name, value)
    if request.get("certificate"):
        put_certificate(request["certificate"])


def put_proof(proof):
    for name in ("proof", "method", "url"):
        put(name, proof[name])
    if proof.get("token") is not None:
        put("token", proof["token"])


def put_htu(case):
    """`htu` has no function of its own: a proof is read up to its signature, which is wrong, by nobody's key."""
    encode = lambda text: base64.urlsafe_b64encode(text).rstrip(b"=").decode()
    with open(os.path.join(ROOT, "core/tests/data/embedded/key.Ed25519.txt")) as file:
        jwk = json.load(file)
    header = {"typ": "dpop+jwt", "alg": "EdDSA", "jwk": {name: jwk[name] for name in ("kty", "crv", "x")}}
    try:
        htu = octets(case["input"]["htu"]).decode()
    except UnicodeDecodeError:
        htu = ""
    claims = {"jti": "1", "htm": "GET", "htu": htu, "iat": 0}
    put("proof", f"{encode(compact(header).encode())}.{encode(compact(claims).encode())}.{encode(bytes(64))}")
    put("url", case["input"]["url"])


def put_input(case):
    kind, value = case["kind"], case["input"]
    if kind in ("access_token", "split_token"):
        for name in ("token", "counterfoil", "ticket"):
            if name in value:
                put("presented" if name == "token" else name, value[name])
        if isinstance(value["presenter"], dict):
            put_presenter(value["presenter"])
    elif kind == "request":
        put_request(value)
    elif kind == "dpop":
        put_proof(value)
    elif kind == "certificate":
        put_certificate(value)
    elif kind == "htu":
        put_htu(case)
    elif kind == "ticket_hash":
        put("encoding", ENCODINGS[value["encoding"]])
        put("text", value["text"])
    else:
        for name, text in value.items():
            put("own_jwks" if name == "jwks" else name, text)


def put_output(output):
    for name, value in output.items():
        if name == "claims":
            for claim, content in value.items():
                put("expect_claim", claim)
                put("is_text", int(isinstance(content, str)))
                put("expect_value", content if isinstance(content, str) else compact(content))
        elif name == "refused":
            for index, slug in value:
                put("expect_refused_index", index)
                put("expect_refused", slug)
        else:
            put("expect_" + name, int(value) if isinstance(value, (bool, int)) else "" if value is None else value)


def main():
    for path in sorted(glob.glob(os.path.join(ROOT, "core/vectors/*.json"))):
        with open(path) as file:
            document = json.load(file)
        for case in document["cases"]:
            policy = policy_of(case, document)
            for number, earlier in enumerate(case["input"].get("before", []) if isinstance(case["input"], dict) else []):
                out.write(b"before %s %s#%d\n" % (case["kind"].encode(), case["id"].encode(), number))
                put("now", earlier["now"])
                put("expect", earlier["expect"])
                put_policy(policy, document)
                put_proof(earlier) if case["kind"] == "dpop" else put_request(earlier)
                out.write(b"end\n")
            out.write(b"case %s %s\n" % (case["kind"].encode(), case["id"].encode()))
            put("now", case.get("now") or 0)
            put("expect", case["expect"])
            put_policy(policy, document)
            put_input(case)
            put_output(case.get("output", {}))
            out.write(b"end\n")


main()
