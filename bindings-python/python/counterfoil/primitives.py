"""The engine's parts by themselves: strict JSON and base64url, one signature, keys, thumbprints, keys of counterfoils."""

from ._counterfoil import certificate_thumbprint, decode_base64url, jwk_thumbprint, load_jwks, parse_json, read_counterfoil_key, verify_signature

__all__ = [
    "certificate_thumbprint", "decode_base64url", "jwk_thumbprint", "load_jwks", "parse_json", "read_counterfoil_key", "verify_signature",
]
