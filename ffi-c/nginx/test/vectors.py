"""core/vectors/*.json as HTTP requests: which of them a request can carry, and how."""

import base64
import json
import re
import urllib.parse

from cryptography import x509
from cryptography.hazmat.primitives import serialization

import gateway
import mint

TOKEN68 = re.compile(rb"[A-Za-z0-9._~+/-]+=*")
VISIBLE = re.compile(rb"[!-~](?:[\t -~\x80-\xff]*[!-~\x80-\xff])?")
TARGET = re.compile(rb"/[!-~]*")
METHODS = {"GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"}
FORMS = {"escaped_pem": "escaped_pem", "pem": "escaped_pem", "der": "client_cert", "client_cert": "client_cert"}


def octets(text):
    """A text of the vectors' schema: plain, {"hex"}, {"text", "times"}, or a list of those."""
    if isinstance(text, str):
        return text.encode()
    if isinstance(text, list):
        return b"".join(octets(part) for part in text)
    return bytes.fromhex(text["hex"]) if "hex" in text else (text["text"] * text["times"]).encode()


def documents():
    for file in sorted((gateway.ROOT / "core/vectors").glob("*.json")):
        yield file.stem, json.loads(file.read_text())


def ders(value):
    """Every certificate that stands in a value of the vectors."""
    try:
        if isinstance(value, dict) and "values" in value:
            for text in map(octets, value["values"]):
                form = value["form"]
                if form == "escaped_pem":
                    text = urllib.parse.unquote_to_bytes(text)
                if form == "client_cert":
                    text = base64.b64decode(text.strip(b":"), validate=True)
                load = x509.load_pem_x509_certificate if form.endswith("pem") else x509.load_der_x509_certificate
                yield load(text).public_bytes(serialization.Encoding.DER)
    except ValueError:
        pass
    if isinstance(value, (dict, list)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from ders(item)


class Uncarried(Exception):
    """Why no HTTP request can carry a case."""


class Case:
    """One vector: the policy that its location needs, and the requests that it is made of."""

    def __init__(self, case, document, certificates):
        self.case, self.id, self.expect, self.now = case, case["id"], case["expect"], case["now"]
        self.input = case["input"]
        policy = case["policy"]
        self.policy = dict(document["policies"][policy]) if isinstance(policy, str) else \
            {**document["policies"].get(policy.get("base"), {}), **policy}
        self.policy.pop("base", None)
        if self.now > 2**40:
            raise Uncarried("a time that no nginx lives to see")
        if "store_capacity" in self.policy:
            raise Uncarried("a store of another size")
        if any(self.policy.get(name, 0) > most for name, most in (("leeway", 3600), ("max_age", 2**31), ("past", 86400), ("ahead", 3600))):
            raise Uncarried("a time that no configuration may have")
        if isinstance(self.policy.get("profile"), dict) and not self.policy["profile"]["types"]:
            raise Uncarried("a profile without types, which nginx refuses")
        jwks = self.policy.get("jwks")
        if isinstance(jwks, str) and jwks in document.get("jwks", {}):
            jwks = document["jwks"][jwks]
        if jwks is not None:
            self.policy["jwks"] = octets(jwks) if isinstance(jwks, (str, list)) or set(jwks) & {"hex", "times"} else json.dumps(jwks).encode()
        self.certificates = certificates
        self.certificate_form = None
        self.form = "whole"
        self.steps = []
        getattr(self, case["kind"])()

    def credential(self, text, scheme):
        text = octets(text)
        if not TOKEN68.fullmatch(text):
            raise Uncarried("what is no token68 is refused as a credential")
        return [("Authorization", f"{scheme} {text.decode()}")]

    def certificate(self, value):
        if value is None:
            return []
        self.certificate_form = FORMS[value["form"]]
        made = []
        for text in map(octets, value["values"]):
            if value["form"] == "pem":
                text = urllib.parse.quote(text, safe="").encode()
            if value["form"] == "der":
                text = b":" + base64.b64encode(text) + b":"
            if not VISIBLE.fullmatch(text):
                raise Uncarried("a certificate that is no header")
            made.append(("X-Client-Certificate", text.decode("latin-1")))
        return made

    def step(self, url, method, headers, now, expect):
        origin, path = self.target(url)
        if self.steps and origin != self.origin:
            raise Uncarried("two origins")
        self.origin = origin
        if method not in METHODS:
            raise Uncarried("a method that nginx itself refuses")
        self.steps.append((method, path, headers, now, expect))

    @staticmethod
    def target(url):
        match = re.fullmatch(rb"(https?://[^/?#\\@ ]+)(/.*)", octets(url), re.S)
        if not match or not TARGET.fullmatch(match[2]) or b"#" in match[2] or b"%00" in match[2]:
            raise Uncarried("a URL that nginx itself refuses")
        return match[1].decode("latin-1"), match[2].decode()

    def presented(self, credential):
        """(headers, URL, method) of a presenter."""
        presenter = self.input["presenter"]
        if presenter == "bearer":
            return self.credential(credential, "Bearer"), "https://api.example.com/accounts/7", "GET"
        if "dpop" in presenter:
            proof = presenter["dpop"]
            headers = [*self.credential(credential, "DPoP"), *self.proof(proof["proof"])]
            return headers, proof["url"], proof["method"]
        if "thumbprint" in presenter:
            der = self.certificates.get(octets(presenter["thumbprint"]).decode("latin-1"))
            if der is None:
                raise Uncarried("a thumbprint without its certificate")
            value = {"form": "der", "values": [{"hex": der.hex()}]}
        else:
            value = presenter["certificate"]
        return [*self.credential(credential, "Bearer"), *self.certificate(value)], "https://api.example.com/accounts/7", "GET"

    @staticmethod
    def proof(text):
        text = octets(text)
        if text != b"" and not VISIBLE.fullmatch(text):
            raise Uncarried("a proof that is no header")
        return [("DPoP", text.decode("latin-1"))]

    def access_token(self):
        headers, url, method = self.presented(self.input["token"])
        self.step(url, method, headers, self.now, self.expect)

    def split_token(self):
        self.form = "split"
        self.found = octets(self.input["counterfoil"])
        headers, url, method = self.presented(self.input["ticket"])
        self.key = mint.b64(mint.sha256(octets(self.input["ticket"])))
        self.step(url, method, headers, self.now, self.expect)

    def request(self):
        for part in [*self.input.get("before", []), {**self.input, "now": self.now, "expect": self.expect}]:
            headers = []
            for name in ("authorization", "dpop"):
                for value in map(octets, part[name]):
                    if value != b"" and not VISIBLE.fullmatch(value):
                        raise Uncarried("a value that is no header")
                    headers.append((name, value.decode("latin-1")))
            headers += self.certificate(part.get("certificate"))
            self.step(part["url"], part["method"], headers, part["now"], part["expect"])

    def dpop(self):
        """A proof comes with a token that is a reference; what it refers to is bound to the proof's key, and good in every respect."""
        self.form = "phantom"
        self.references = []
        for part in [*self.input.get("before", []), {**self.input, "now": self.now, "expect": self.expect}]:
            if part["token"] is None:
                raise Uncarried("a proof for a token endpoint")
            text = octets(part["token"])
            headers = [*self.credential(part["token"], "DPoP"), *self.proof(part["proof"])]
            self.references.append(("token=" + urllib.parse.quote(text, safe="-._~"), self.thumbprint(octets(part["proof"]))))
            self.step(part["url"], part["method"], headers, part["now"], part["expect"])

    @staticmethod
    def thumbprint(proof):
        members = {"EC": ("crv", "kty", "x", "y"), "RSA": ("e", "kty", "n"), "OKP": ("crv", "kty", "x")}
        try:
            header = proof.split(b".")[0]
            jwk = json.loads(base64.urlsafe_b64decode(header + b"=" * (-len(header) % 4)))["jwk"]
            own = {name: jwk[name] for name in members[jwk["kty"]]}
        except (ValueError, KeyError, TypeError):
            return mint.b64(bytes(32))
        return mint.b64(mint.sha256(json.dumps(own, separators=(",", ":"))))

    def proofs(self):
        """What the store of used proofs may remember of it: key and `jti` of each."""
        values = [value for _, _, headers, _, _ in self.steps for name, value in headers if name.lower() == "dpop"]
        return {repr(remembered(value)) for value in values}

    def burns(self):
        """Whether a proof of it may reach the store of used proofs."""
        return any(expect in ("ok", "proof_replayed") and any(name.lower() == "dpop" for name, _ in headers)
                   for _, _, headers, _, expect in self.steps)


def remembered(proof):
    try:
        payload = proof.split(".")[1]
        return Case.thumbprint(proof.encode()), json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["jti"]
    except (ValueError, KeyError, TypeError, IndexError):
        return proof


def rounds(cases):
    """Cases that do not meet in the store of used proofs: those of a round have one time and different proofs."""
    made = []
    for case in cases:
        times, own = {now for _, _, _, now, _ in case.steps}, case.proofs()
        fitting = (one for one in made if len(times) == 1 and one[0] == times and not one[1] & own)
        chosen = next(fitting, None)
        if chosen is None:
            chosen = (times, set(), [])
            made.append(chosen)
        chosen[1].update(own)
        chosen[2].append(case)
    return [members for _, _, members in made]


def quoted(text):
    text = text.decode() if isinstance(text, bytes) else text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def directives(case, folder, number):
    """A location's directives for the policy of a case."""
    policy = case.policy
    phantom = case.form == "phantom"
    lines = [f"counterfoil_origin {quoted(case.origin)};"]
    jwks = folder / f"jwks-{number}.json"
    jwks.write_bytes(mint.jwks(SIGNER).encode() if phantom else policy["jwks"])
    lines.append(f"counterfoil_issuer {quoted(mint.ISSUER if phantom else policy['issuer'])} jwks_file={jwks};")
    audiences = mint.AUDIENCE if phantom else policy["audience"]
    lines.append("counterfoil_audience " + " ".join(map(quoted, audiences if isinstance(audiences, list) else [audiences])) + ";")
    if phantom:
        lines += ["counterfoil_introspection /introspect valid=0s;", "counterfoil_binding dpop;"]
        lines.append("counterfoil_dpop_algorithms " + " ".join(policy["algorithms"]) + ";")
        lines.append("counterfoil_profile rfc9068;")
    else:
        if case.form == "split":
            lines.append("counterfoil_split /counterfoils valid=0s;")
        profile = policy.get("profile")
        if isinstance(profile, dict):
            lines.append("counterfoil_profile custom;")
            types = ["none" if typ is None else quoted(typ) for typ in profile["types"]]
            lines.append("counterfoil_types " + " ".join(types) + ";")
            if profile["required"]:
                lines.append("counterfoil_claims " + " ".join(map(quoted, profile["required"])) + ";")
        else:
            lines.append("counterfoil_profile rfc9068;")
        lines.append(f"counterfoil_binding {policy.get('binding', 'required')};")
        lines.append("counterfoil_algorithms " + " ".join(policy["algorithms"]) + ";")
        lines.append("counterfoil_dpop_algorithms " + " ".join(policy["algorithms"]) + ";")
    for member, name in (("scopes", "scopes"), ("acr_values", "acr")):
        if policy.get(member):
            lines.append(f"counterfoil_{name} " + " ".join(map(quoted, policy[member])) + ";")
    for member, name in (("leeway", "leeway"), ("max_age", "max_age"), ("max_token_bytes", "max_token_size"),
                         ("max_header_bytes", "max_header_size"), ("realm", "realm")):
        if member in policy:
            unit = "s" if name in ("leeway", "max_age") else ""
            lines.append(f"counterfoil_{name} {quoted(str(policy[member]) + unit)};")
    if "past" in policy or "ahead" in policy:
        lines.append(f"counterfoil_dpop_window {policy.get('past', 300)}s {policy.get('ahead', 10)}s;")
    if policy.get("nonce"):
        secret = folder / f"secret-{number}"
        secret.write_bytes(bytes.fromhex(policy["nonce"]["secret_hex"]))
        lines.append(f"counterfoil_dpop_nonce secret_file={secret} step={policy['nonce']['step']}s;")
    if case.certificate_form:
        lines.append(f"counterfoil_certificate_header X-Client-Certificate {case.certificate_form} 127.0.0.1;")
    return "\n".join(lines)


SIGNER = mint.Key("signer")
