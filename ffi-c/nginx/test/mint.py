"""Keys, tokens, proofs and certificates of the tests, made anew for each run."""

import base64
import datetime
import hashlib
import json
import secrets
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.x509.oid import NameOID

ISSUER = "https://as.example.com"
AUDIENCE = "https://api.example.com"


def b64(octets):
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def sha256(text):
    return hashlib.sha256(text if isinstance(text, bytes) else text.encode()).digest()


class Key:
    """A P-256 key that signs ES256."""

    def __init__(self, kid="k1"):
        self.private = ec.generate_private_key(ec.SECP256R1())
        self.kid = kid

    @property
    def jwk(self):
        numbers = self.private.public_key().public_numbers()
        return {"kty": "EC", "crv": "P-256", "x": b64(numbers.x.to_bytes(32, "big")), "y": b64(numbers.y.to_bytes(32, "big"))}

    @property
    def thumbprint(self):
        jwk = self.jwk
        return b64(sha256(json.dumps({name: jwk[name] for name in sorted(jwk)}, separators=(",", ":"))))

    def sign(self, header, claims):
        segments = [b64(json.dumps(part, separators=(",", ":")).encode()) for part in (header, claims)]
        text = ".".join(segments)
        r, s = utils.decode_dss_signature(self.private.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{text}.{b64(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def jwks(*keys):
    return json.dumps({"keys": [{**key.jwk, "kid": key.kid, "alg": "ES256", "use": "sig"} for key in keys]})


def claims(cnf=None, **more):
    now = int(time.time())
    made = {
        "iss": ISSUER, "aud": AUDIENCE, "sub": "user-1", "client_id": "client-7", "scope": "accounts payments",
        "iat": now, "exp": now + 600, "jti": secrets.token_hex(8), **({"cnf": cnf} if cnf else {}), **more,
    }
    return {name: value for name, value in made.items() if value is not None}


def token(key, cnf=None, header=None, **more):
    return key.sign({"alg": "ES256", "typ": "at+jwt", "kid": key.kid, **(header or {})}, claims(cnf, **more))


def proof(key, method, url, credential, **more):
    made = {"jti": secrets.token_hex(12), "htm": method, "htu": url, "iat": int(time.time()), "ath": b64(sha256(credential)), **more}
    return key.sign({"typ": "dpop+jwt", "alg": "ES256", "jwk": key.jwk}, {name: value for name, value in made.items() if value is not None})


class Certificate:
    """A certificate and its key, signed by `issuer` or by itself."""

    def __init__(self, name, issuer=None, days=(-1, 30), authority=False):
        self.private = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = datetime.datetime.now(datetime.timezone.utc)
        builder = (
            x509.CertificateBuilder().subject_name(self.name).issuer_name((issuer or self).name)
            .public_key(self.private.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(now + datetime.timedelta(days=days[0])).not_valid_after(now + datetime.timedelta(days=days[1]))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        )
        self.certificate = builder.sign((issuer or self).private, hashes.SHA256())
        self.der = self.certificate.public_bytes(serialization.Encoding.DER)
        self.pem = self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    @property
    def key_pem(self):
        form = serialization.PrivateFormat.PKCS8
        return self.private.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()

    @property
    def cnf(self):
        return {"x5t#S256": b64(sha256(self.der))}

    def write(self, folder, name):
        for ending, text in (("pem", self.pem), ("key", self.key_pem)):
            (folder / f"{name}.{ending}").write_text(text)
        return str(folder / f"{name}.pem"), str(folder / f"{name}.key")
