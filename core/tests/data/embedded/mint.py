"""Mints a token, a DPoP-bound token with its proof, and a JARM response for each algorithm, for the tests without heap or std.

Keys are drawn anew and thrown away; the client certificate is that of ../paved. Needs joserfc. Writes beside itself.
"""
import base64, hashlib, hmac, json, pathlib
from joserfc import jws
from joserfc.jwk import ECKey, OKPKey, RSAKey

here = pathlib.Path(__file__).parent
NOW = 1_800_000_000
ISSUER, AUDIENCE, CLIENT, URL = "https://as.example", "https://api.example", "tpp-1", "https://api.example/accounts"
NONCE_SECRET, NONCE_STEP = b"n" * 32, 60
ALGORITHMS = ["ES256", "PS256", "RS256", "EdDSA", "Ed25519"]


def base64url(octets):
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def draw(algorithm):
    options = {"kid": "as-" + algorithm, "use": "sig", "alg": algorithm}
    if algorithm == "ES256":
        return ECKey.generate_key("P-256", options)
    if algorithm in ("EdDSA", "Ed25519"):
        return OKPKey.generate_key("Ed25519", options)
    return RSAKey.generate_key(2048, options)


def sign(algorithm, key, claims, **header):
    payload = json.dumps(claims, separators=(",", ":")).encode()
    return jws.serialize_compact({"alg": algorithm, **header}, payload, key, algorithms=ALGORITHMS)


def nonce():
    """The formula of core/src/oauth/nonce.rs."""
    step = (NOW // NONCE_STEP).to_bytes(8, "big")
    return base64url(hmac.digest(NONCE_SECRET, b"counterfoil dpop-nonce v1" + step, "sha256"))


def write(name, text):
    (here / (name + ".txt")).write_text(text)


certificate = base64url(hashlib.sha256((here / "../paved/client.der").read_bytes()).digest())
access = {
    "iss": ISSUER, "aud": AUDIENCE, "sub": "4711", "client_id": CLIENT, "jti": "b7e0c2", "iat": NOW - 100, "exp": NOW + 500,
    "scope": "accounts payments", "acr": "urn:example:gold", "auth_time": NOW - 200,
}
keys = []
for algorithm in ALGORITHMS:
    key, client = draw(algorithm), draw(algorithm)
    keys.append(key.as_dict(private=False))
    write("key." + algorithm, json.dumps(key.as_dict(private=False)))
    kid = "as-" + algorithm
    write("token." + algorithm, sign(algorithm, key, {**access, "cnf": {"x5t#S256": certificate}}, typ="at+jwt", kid=kid))
    bound = sign(algorithm, key, {**access, "cnf": {"jkt": client.thumbprint()}}, typ="at+jwt", kid=kid)
    write("bound." + algorithm, bound)
    jwk = {name: client.as_dict(private=False)[name] for name in ("kty", "crv", "x", "y", "n", "e") if name in client.as_dict()}
    ath = base64url(hashlib.sha256(bound.encode()).digest())
    proof = {"jti": "p-" + algorithm, "htm": "GET", "htu": URL, "iat": NOW - 1, "ath": ath, "nonce": nonce()}
    write("proof." + algorithm, sign(algorithm, client, proof, typ="dpop+jwt", jwk=jwk))
    response = {"iss": ISSUER, "aud": CLIENT, "exp": NOW + 300, "code": "SplxlOBeZQQYbYS6WxSbIA", "state": "af0ifjsldkj"}
    write("response." + algorithm, sign(algorithm, key, response, kid=kid))
(here / "jwks.json").write_text(json.dumps({"keys": keys}))
