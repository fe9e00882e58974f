"""Mints the token of the paved path: ES256, RFC 9068, bound to a client certificate. Keys are drawn anew and thrown away.

Needs joserfc and cryptography. Writes beside itself.
"""
import base64, datetime, hashlib, json, pathlib
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from joserfc import jwt
from joserfc.jwk import ECKey

here = pathlib.Path(__file__).parent
client = ec.generate_private_key(ec.SECP256R1())
name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "client.example")])
certificate = (
    x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(client.public_key()).serial_number(1)
    .not_valid_before(datetime.datetime(2026, 1, 1)).not_valid_after(datetime.datetime(2036, 1, 1))
    .sign(client, hashes.SHA256())
)
der = certificate.public_bytes(serialization.Encoding.DER)
thumbprint = base64.urlsafe_b64encode(hashlib.sha256(der).digest()).rstrip(b"=").decode()

key = ECKey.generate_key("P-256", {"kid": "as-1", "use": "sig", "alg": "ES256"})
claims = {
    "iss": "https://as.example", "aud": "https://api.example", "sub": "4711", "client_id": "tpp-1", "jti": "b7e0c2",
    "iat": 1799999900, "exp": 1800000500, "scope": "accounts payments", "cnf": {"x5t#S256": thumbprint},
}
(here / "jwks.json").write_text(json.dumps({"keys": [key.as_dict(private=False)]}))
(here / "token.txt").write_text(jwt.encode({"alg": "ES256", "kid": "as-1", "typ": "at+jwt"}, claims, key))
(here / "client.der").write_bytes(der)
(here / "client.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
