"""What all vector files share: times, policies, tokens that are good unless told otherwise, and the writing of files."""

import json
import pathlib

from encoding import b64u, text
from signing import Certificate, Key, jws, signing_input

FOLDER = pathlib.Path(__file__).resolve().parents[1]
NOW = 1_700_000_000
ISSUER = "https://as.example.com"
AUDIENCE = "https://api.example.com/accounts"
URL = "https://api.example.com/accounts/7"
CLIENT = "client-7"

KEYS = {"ES256": ("es", "issuer-es"), "PS256": ("ps", "issuer-ps"), "EdDSA": ("ed", "issuer-ed"), "RS256": ("rs", "issuer-rs"), "Ed25519": ("ed-full", "issuer-ed-full")}
FAPI = ["ES256", "PS256", "EdDSA"]
ALL = [*FAPI, "RS256", "Ed25519"]
CLIENT_KEYS = {"ES256": "client-es", "PS256": "client-ps", "EdDSA": "client-ed"}
CERTIFICATE = Certificate("client-ec")
THUMBPRINT = CERTIFICATE.thumbprint()


def issuer_jwk(alg, /, **more):
    """The JWK of the issuer's key for `alg`."""
    kid, name = KEYS[alg]
    return {"kid": kid, "alg": alg, "use": "sig"} | Key(name).jwk() | more


def issuer_key(alg):
    return Key(KEYS[alg][1])


SETS = {
    "fapi": {"keys": [issuer_jwk(alg) for alg in FAPI]},
    "RS256": {"keys": [issuer_jwk("RS256")]},
    "Ed25519": {"keys": [issuer_jwk("Ed25519")]},
    "all": {"keys": [issuer_jwk(alg) for alg in ALL]},
}
BASE = {"issuer": ISSUER, "audience": AUDIENCE}
POLICIES = {
    "fapi": BASE | {"algorithms": FAPI, "jwks": "fapi"},
    "RS256": BASE | {"algorithms": ["RS256"], "jwks": "RS256"},
    "Ed25519": BASE | {"algorithms": ["Ed25519"], "jwks": "Ed25519"},
}


def policy_for(alg):
    """The policy under which a token of `alg` is good."""
    return "fapi" if alg in FAPI else alg


def changed(members, drop=(), **change):
    """A copy of `members` without `drop` and with `change`; `__` in a name stands for `#`."""
    result = {name: value for name, value in members.items() if name not in drop}
    return result | {name.replace("__", "#"): value for name, value in change.items()}


def header(alg="ES256", /, drop=(), **change):
    """The header of a good token."""
    return changed({"alg": alg, "typ": "at+jwt", "kid": KEYS[alg][0]}, drop, **change)


def claims(drop=(), **change):
    """The claims of a good token, bound to the client certificate."""
    good = {
        "iss": ISSUER, "aud": AUDIENCE, "sub": "user-1", "client_id": CLIENT, "exp": NOW + 300, "iat": NOW - 60, "jti": "token-1",
        "scope": "accounts payments", "cnf": {"x5t#S256": THUMBPRINT},
    }
    return changed(good, drop, **change)


def token(alg="ES256", head=None, payload=None, key=None):
    """A good access token, or one whose parts are given; signed by `alg` with the issuer's key."""
    return jws(header(alg) if head is None else head, claims() if payload is None else payload, key or issuer_key(alg), alg)


def resigned(alg, signature, head=None, payload=None):
    """A token with a signature of one's own: octets, or a function of the signing input."""
    head = signing_input(header(alg) if head is None else head, claims() if payload is None else payload)
    made = signature(head.encode()) if callable(signature) else signature
    return f"{head}.{b64u(made)}"


HOLDER = {"thumbprint": THUMBPRINT}


class Raw(str):
    """JSON text to stand for a value as it is."""


def members(pairs):
    """An object's text from (name, value) pairs, repeated names and all; a Raw stands for itself, also as a name."""
    spell = lambda value: str(value) if isinstance(value, Raw) else json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    pairs = pairs.items() if isinstance(pairs, dict) else pairs
    return "{" + ",".join(f"{spell(name)}:{spell(value)}" for name, value in pairs) + "}"


class Book:
    """The cases of one file."""

    all_ids = {}

    def __init__(self, name, description, sets=None, policies=None):
        self.name = name
        self.description = description
        self.sets = SETS if sets is None else sets
        self.policies = POLICIES if policies is None else policies
        self.cases = []
        self.source = ""

    def add(self, identifier, kind, given, expect="ok", policy=None, now=NOW, output=None, twin=None, source=None):
        """One case. A refusal should name the good case that it differs from in one thing."""
        assert identifier not in self.all_ids, f"{identifier} is there twice"
        case = {"id": identifier, "source": source or self.source, "kind": kind}
        if policy is not None:
            case["policy"] = policy
        if kind in ("access_token", "split_token", "dpop", "jarm", "request"):
            case["now"] = now
        case |= {"input": given, "expect": expect}
        if output is not None:
            case["output"] = output
        if twin is not None:
            case["twin"] = twin
        self.all_ids[identifier] = case
        self.cases.append(case)
        return identifier

    def token(self, identifier, value, expect="ok", policy="fapi", presenter=None, **more):
        """An access token, by default presented by the holder of the client certificate."""
        given = {"token": text(value), "presenter": HOLDER if presenter is None else presenter}
        return self.add(identifier, "access_token", given, expect, policy, **more)

    def pair(self, row, name, value, expect, twin_value=None, policy="fapi", alg="ES256", **more):
        """A refused token and its good twin; the twin is the plain good token unless given."""
        twin = f"{row}.{name}-twin"
        self.token(twin, token(alg) if twin_value is None else twin_value, policy=policy, **more)
        return self.token(f"{row}.{name}", value, expect, policy=policy, twin=twin, **more)

    def write(self):
        """One case a line."""
        line = lambda value: json.dumps(value, ensure_ascii=True, separators=(", ", ": "))
        block = lambda mapping: "{\n" + ",\n".join(f"  {line(name)}: {line(value)}" for name, value in mapping.items()) + "\n }"
        used_policies = self.used_policies()
        used_sets = {name: value for name, value in self.sets.items() if name in self.used_sets(used_policies)}
        cases = ",\n".join(f"  {line(case)}" for case in self.cases)
        document = (
            f'{{\n "description": {line(self.description)},\n "jwks": {block(used_sets)},\n'
            f' "policies": {block(used_policies)},\n "cases": [\n{cases}\n ]\n}}\n'
        )
        json.loads(document)
        path = FOLDER / f"{self.name}.json"
        path.write_text(document)
        return len(self.cases), path.stat().st_size

    def used_policies(self):
        named = {case["policy"] if isinstance(case["policy"], str) else case["policy"].get("base") for case in self.cases if "policy" in case}
        return {name: value for name, value in self.policies.items() if name in named}

    def used_sets(self, policies):
        own = [case["policy"] for case in self.cases if isinstance(case.get("policy"), dict)]
        return {policy["jwks"] for policy in [*policies.values(), *own] if isinstance(policy.get("jwks"), str)}


def check_twins():
    """Every twin is there and is good."""
    for identifier, case in Book.all_ids.items():
        if "twin" in case:
            twin = Book.all_ids.get(case["twin"])
            assert twin, f"{identifier}: no twin {case['twin']}"
            assert twin["expect"] == "ok", f"{identifier}: its twin {case['twin']} is refused"


def alter_segment(value, index, change):
    """A token with one segment's text changed."""
    segments = value.split(".")
    segments[index] = change(segments[index])
    return ".".join(segments)
