"""Makes keys.json: keys and certificates for tests only. Run once; the other scripts only read what it wrote."""

import datetime
import json
import math
import pathlib
import secrets

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID

from encoding import b64u, b64u_int

FILE = pathlib.Path(__file__).with_name("keys.json")

EC_NAMES = ["issuer-es", "issuer-es-next", "other-issuer-es", "attacker-es", "client-es", "client-es-2", "p384", "p521"]
ED_NAMES = ["issuer-ed", "issuer-ed-full", "other-issuer-ed", "attacker-ed", "client-ed"]
RSA_SIZES = {
    "issuer-ps": 2048, "issuer-rs": 2048, "issuer-ps-3072": 3072, "issuer-ps-4096": 4096, "issuer-ps-2049": 2049,
    "other-issuer-ps": 2048, "attacker-ps": 2048, "client-ps": 2048, "weak-1024": 1024, "weak-2047": 2047, "large-4097": 4097,
}


def ec_jwk(key):
    """A private EC JWK."""
    numbers = key.private_numbers()
    size = (key.curve.key_size + 7) // 8
    octets = lambda value: b64u(value.to_bytes(size, "big"))
    names = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}
    public = numbers.public_numbers
    return {"kty": "EC", "crv": names[key.curve.name], "x": octets(public.x), "y": octets(public.y), "d": octets(numbers.private_value)}


def ed_jwk(key):
    """A private OKP JWK."""
    public = key.public_key().public_bytes_raw()
    return {"kty": "OKP", "crv": "Ed25519", "x": b64u(public), "d": b64u(key.private_bytes_raw())}


def rsa_jwk(key):
    """A private RSA JWK with its primes."""
    numbers = key if isinstance(key, rsa.RSAPrivateNumbers) else key.private_numbers()
    public = numbers.public_numbers
    parts = {"n": public.n, "e": public.e, "d": numbers.d, "p": numbers.p, "q": numbers.q, "dp": numbers.dmp1, "dq": numbers.dmq1, "qi": numbers.iqmp}
    return {"kty": "RSA"} | {name: b64u_int(value) for name, value in parts.items()}


def is_prime(candidate):
    """Miller and Rabin, 40 rounds."""
    shift = (candidate - 1 & 1 - candidate).bit_length() - 1
    for _ in range(40):
        power = pow(secrets.randbelow(candidate - 3) + 2, candidate >> shift, candidate)
        if power in (1, candidate - 1):
            continue
        if not any((power := power * power % candidate) == candidate - 1 for _ in range(shift - 1)):
            return False
    return True


def prime(bits):
    while True:
        candidate = secrets.randbits(bits) | 3 << bits - 2 | 1
        if all(candidate % small for small in (3, 5, 7, 11, 13, 17, 19, 23)) and is_prime(candidate):
            return candidate


def rsa_of(bits):
    """Numbers of a key with exactly so many bits; libraries round odd sizes."""
    if bits % 8 == 0:
        return rsa.generate_private_key(65537, bits)
    while True:
        p, q = prime(bits + 1 >> 1), prime(bits >> 1)
        phi = (p - 1) * (q - 1)
        if (p * q).bit_length() == bits and math.gcd(phi, 65537) == 1:
            d = pow(65537, -1, phi)
            return rsa.RSAPrivateNumbers(p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p), rsa.RSAPublicNumbers(65537, p * q))


def certificate(name, key):
    """A self-signed certificate, as PEM."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    start = datetime.datetime(2023, 1, 1)
    builder = x509.CertificateBuilder(subject, subject, key.public_key(), len(name), start, start + datetime.timedelta(days=3650))
    digest = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return builder.sign(key, digest).public_bytes(serialization.Encoding.PEM).decode()


def main():
    curves = {"p384": ec.SECP384R1(), "p521": ec.SECP521R1()}
    keys = {name: ec_jwk(ec.generate_private_key(curves.get(name, ec.SECP256R1()))) for name in EC_NAMES}
    keys |= {name: ed_jwk(ed25519.Ed25519PrivateKey.generate()) for name in ED_NAMES}
    keys |= {name: rsa_jwk(rsa_of(size)) for name, size in RSA_SIZES.items()}
    clients = {
        "client-ec": ec.generate_private_key(ec.SECP256R1()),
        "client-rsa": rsa.generate_private_key(65537, 2048),
        "client-ed25519": ed25519.Ed25519PrivateKey.generate(),
        "other-client": ec.generate_private_key(ec.SECP256R1()),
    }
    document = {
        "warning": "Published test keys: never trust anything that they sign.",
        "keys": keys,
        "certificates": {name: certificate(name, key) for name, key in clients.items()},
    }
    FILE.write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
