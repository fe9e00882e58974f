"""Signs by hand, so that every octet is ours and every run gives the same signature."""

import hashlib
import hmac
import json
import pathlib

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from encoding import b64u, unb64u

DOCUMENT = json.loads(pathlib.Path(__file__).with_name("keys.json").read_text())
CURVES = {"P-256": ec.SECP256R1, "P-384": ec.SECP384R1, "P-521": ec.SECP521R1}
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
ED25519_ORDER = 2**252 + 27742317777372353535851937790883648493
SHA256_INFO = bytes.fromhex("3031300d060960864801650304020105000420")


def number(text):
    return int.from_bytes(unb64u(text), "big")


class Key:
    """A test key: its private JWK and what can be made with it."""

    def __init__(self, name):
        self.name = name
        self.private = DOCUMENT["keys"][name]
        self.kty = self.private["kty"]

    def jwk(self, **more):
        """The public JWK, with more members behind its own."""
        names = {"EC": ("kty", "crv", "x", "y"), "OKP": ("kty", "crv", "x"), "RSA": ("kty", "n", "e")}[self.kty]
        return {name: self.private[name] for name in names} | more

    def thumbprint(self):
        """jkt (RFC 7638), from the canonical text."""
        canonical = json.dumps(self.jwk(), sort_keys=True, separators=(",", ":"))
        return b64u(hashlib.sha256(canonical.encode()).digest())

    @property
    def modulus(self):
        return number(self.private["n"])

    @property
    def size(self):
        """Octets of the modulus."""
        return (self.modulus.bit_length() + 7) // 8

    def rsa_power(self, encoded):
        """RSASP1 by the Chinese remainder theorem; `encoded` as an integer or octets, the result in modulus length."""
        if isinstance(encoded, bytes):
            encoded = int.from_bytes(encoded, "big")
        p, q, dp, dq, qi = (number(self.private[part]) for part in ("p", "q", "dp", "dq", "qi"))
        of_p, of_q = pow(encoded, dp, p), pow(encoded, dq, q)
        return (of_q + (of_p - of_q) * qi % p * q).to_bytes(self.size, "big")

    def ec_key(self):
        return ec.derive_private_key(number(self.private["d"]), CURVES[self.private["crv"]]())

    def ecdsa(self, message, digest=None):
        """(r, s) with the nonce of RFC 6979."""
        digest = digest or hashes.SHA256()
        return decode_dss_signature(self.ec_key().sign(message, ec.ECDSA(digest, deterministic_signing=True)))

    def ed25519(self, message):
        return ed25519.Ed25519PrivateKey.from_private_bytes(unb64u(self.private["d"])).sign(message)

    def spki(self, encoding):
        """The public key as SubjectPublicKeyInfo."""
        if self.kty == "RSA":
            from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers

            public = RSAPublicNumbers(number(self.private["e"]), self.modulus).public_key()
        elif self.kty == "EC":
            public = self.ec_key().public_key()
        else:
            public = ed25519.Ed25519PrivateKey.from_private_bytes(unb64u(self.private["d"])).public_key()
        return public.public_bytes(encoding, serialization.PublicFormat.SubjectPublicKeyInfo)


def p1363(r, s, size=32):
    """r and s, each in `size` octets."""
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def mgf1(seed, length, digest=hashlib.sha256):
    """RFC 8017 appendix B.2.1."""
    blocks = (digest(seed + counter.to_bytes(4, "big")).digest() for counter in range(length // digest().digest_size + 1))
    return b"".join(blocks)[:length]


def pss_encoding(message, bits, salt=None, digest=hashlib.sha256, mgf_digest=None, trailer=0xBC, separator=1, padding=0, dirty_top=False):
    """EMSA-PSS (RFC 8017 section 9.1.1) with every part open to change; `bits` are those of the modulus."""
    em_bits = bits - 1
    length = (em_bits + 7) // 8
    hashed = digest(message).digest()
    if salt is None:
        salt = hashlib.sha256(b"salt of a test vector" + message).digest()[: digest().digest_size].ljust(digest().digest_size, b"\0")
    h = digest(bytes(8) + hashed + salt).digest()
    block = bytes([padding]) * (length - len(salt) - len(h) - 2) + bytes([separator]) + salt
    masked = bytearray(a ^ b for a, b in zip(block, mgf1(h, len(block), mgf_digest or digest)))
    masked[0] &= 0xFF >> (8 * length - em_bits)
    if dirty_top:
        masked[0] |= 0x80 >> (8 * length - em_bits - 1)
    return bytes(masked) + h + bytes([trailer])


def pkcs1_encoding(message, size, info=SHA256_INFO, digest=hashlib.sha256):
    """EMSA-PKCS1-v1_5 (RFC 8017 section 9.2)."""
    tail = info + digest(message).digest()
    return b"\0\1" + b"\xff" * (size - len(tail) - 3) + b"\0" + tail


def sign(alg, key, message):
    """The signature octets of `message`."""
    if isinstance(message, str):
        message = message.encode()
    if alg == "ES256":
        return p1363(*key.ecdsa(message))
    if alg in ("EdDSA", "Ed25519"):
        return key.ed25519(message)
    if alg == "PS256":
        return key.rsa_power(pss_encoding(message, key.modulus.bit_length()))
    if alg == "RS256":
        return key.rsa_power(pkcs1_encoding(message, key.size))
    if alg in ("HS256", "HS384", "HS512"):
        return hmac.new(key, message, "sha" + alg[2:]).digest()
    raise ValueError(alg)


def octets(value):
    """What goes into a segment: octets, a text, or a value to be written as compact JSON."""
    if isinstance(value, (bytes, bytearray)):
        return bytes(value)
    if isinstance(value, str):
        return value.encode()
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def signing_input(header, payload):
    return f"{b64u(octets(header))}.{b64u(octets(payload))}"


def jws(header, payload, key, alg=None):
    """A compact JWS; `alg` is what is really done, whatever the header says."""
    head = signing_input(header, payload)
    return f"{head}.{b64u(sign(alg or header['alg'], key, head))}"


class Certificate:
    """A test certificate in the forms that gateways get it in."""

    def __init__(self, name):
        self.pem = DOCUMENT["certificates"][name]
        self.x509 = x509.load_pem_x509_certificate(self.pem.encode())
        self.der = self.x509.public_bytes(serialization.Encoding.DER)

    @property
    def base64(self):
        return "".join(line for line in self.pem.splitlines() if not line.startswith("-"))

    @property
    def client_cert(self):
        """RFC 9440 section 2.1."""
        return f":{self.base64}:"

    @property
    def escaped(self):
        """As nginx writes $ssl_client_escaped_cert."""
        keep = set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
        return "".join(chr(octet) if octet in keep else f"%{octet:02X}" for octet in self.pem.encode())

    def thumbprint(self):
        """x5t#S256."""
        return b64u(hashlib.sha256(self.der).digest())
