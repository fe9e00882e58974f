"""Published values of the RFCs. Every one is checked here with another implementation before it is written."""

import base64
import hashlib
import json

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from book import FAPI, Book, Key, jws
from encoding import b64u, text, unb64u

RSA_7515 = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"
PAYLOAD_7515 = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
SIGNATURE_A2 = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"
EC_7515 = {"kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}
SIGNATURE_A3 = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
TICKET_A1 = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
RSA_7520 = "n4EPtAOCc9AlkeQHPzHStgAbgs7bTZLwUBZdR8_KuKPEHLd4rHVTeT-O-XV2jRojdNhxJWTDvNd7nqQ0VEiZQHz_AJmSCpMaJMRBSFKrKb2wqVwGU_NsYOYL-QtiWN2lbzcEe6XC0dApr5ydQLrHqkHHig3RBordaZ6Aj-oBHqFEHYpPe7Tpe-OfVfHd1E6cS6M1FZcD1NNLYD5lFHpPI9bTwJlsde3uhGqC0ZCuEHg8lhzwOHrtIQbS0FVbb9k3-tVTU4fg_3L_vniUFAKwuCLqKnS2BYwdq_mzSnbLY7h_qixoR7jig3__kRhuaxwUkRz5iaiQkqgc5gHdrNP5zw"
PAYLOAD_7520 = "SXTigJlzIGEgZGFuZ2Vyb3VzIGJ1c2luZXNzLCBGcm9kbywgZ29pbmcgb3V0IHlvdXIgZG9vci4gWW91IHN0ZXAgb250byB0aGUgcm9hZCwgYW5kIGlmIHlvdSBkb24ndCBrZWVwIHlvdXIgZmVldCwgdGhlcmXigJlzIG5vIGtub3dpbmcgd2hlcmUgeW91IG1pZ2h0IGJlIHN3ZXB0IG9mZiB0by4"
HEADER_7520_4_1 = "eyJhbGciOiJSUzI1NiIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9"
SIGNATURE_7520_4_1 = "MRjdkly7_-oTPTS3AXP41iQIGKa80A0ZmTuV5MEaHoxnW2e5CZ5NlKtainoFmKZopdHM1O2U4mwzJdQx996ivp83xuglII7PNDi84wnB-BDkoBwA78185hX-Es4JIwmDLJK3lfWRa-XtL0RnltuYv746iYTh_qHRD68BNt1uSNCrUCTJDt5aAE6x8wW1Kt9eRo4QPocSadnHXFxnt8Is9UzpERV0ePPQdLuW3IS_de3xyIrDaLGdjluPxUAhb6L2aXic1U12podGU0KLUQSE_oI-ZnmKJ3F4uOZDnd6QZWJushZ41Axf_fcIe8u9ipH84ogoree7vjbU5y18kDquDg"
HEADER_7520_4_2 = "eyJhbGciOiJQUzM4NCIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9"
SIGNATURE_7520_4_2 = "cu22eBqkYDKgIlTpzDXGvaFfz6WGoz7fUDcfT0kkOy42miAh2qyBzk1xEsnk2IpN6-tPid6VrklHkqsGqDqHCdP6O8TTB5dDDItllVo6_1OLPpcbUrhiUSMxbbXUvdvWXzg-UD8biiReQFlfz28zGWVsdiNAUf8ZnyPEgVFn442ZdNqiVJRmBqrYRXe8P_ijQ7p8Vdz0TTrxUeT3lm8d9shnr2lfJT8ImUjvAA2Xez2Mlp8cBE5awDzT0qI0n6uiP1aCN_2_jLAeQTlqRHtfa64QQSUmFAAjVKPbByi7xho0uTOcbH510a6GYmJUAfmWjwZ6oD4ifKo8DYM-X72Eaw"
RSA_7638 = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
ED_8037 = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
SIGNATURE_8037 = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
EC_9449 = {"kty": "EC", "x": "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs", "y": "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA", "crv": "P-256"}
JKT_9449 = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
HEADER_9449 = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19"
PROOF_TOKEN = f"{HEADER_9449}.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg"
PROOF_REFRESH = f"{HEADER_9449}.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjY1Mjk2fQ.pAqut2IRDm_De6PR93SYmGBPXpwrAk90e8cP2hjiaG5QsGSuKDYW7_X620BxqhvYC8ynrrvZLTk41mSRroapUA"
PROOF_RESOURCE = f"{HEADER_9449}.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA"
TOKEN_9449 = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"
CERTIFICATE_8705 = """-----BEGIN CERTIFICATE-----
MIIBBjCBrAIBAjAKBggqhkjOPQQDAjAPMQ0wCwYDVQQDDARtdGxzMB4XDTE4MTAx
ODEyMzcwOVoXDTIyMDUwMjEyMzcwOVowDzENMAsGA1UEAwwEbXRsczBZMBMGByqG
SM49AgEGCCqGSM49AwEHA0IABNcnyxwqV6hY8QnhxxzFQ03C7HKW9OylMbnQZjjJ
/Au08/coZwxS7LfA4vOLS9WuneIXhbGGWvsDSb0tH6IxLm8wCgYIKoZIzj0EAwID
SQAwRgIhAP0RC1E+vwJD/D1AGHGzuri+hlV/PpQEKTWUVeORWz83AiEA5x2eXZOV
bUlJSGQgjwD5vaUaKlLR50Q2DmFfQj1L+SY=
-----END CERTIFICATE-----
"""
THUMBPRINT_8705 = "A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0"
LEAF_9440 = (
    "MIIBqDCCAU6gAwIBAgIBBzAKBggqhkjOPQQDAjA6MRswGQYDVQQKDBJMZXQncyBBdXRoZW50aWNhdGUxGzAZBgNVBAMMEkxBIEludGVybWVkaWF0ZSBDQTAeFw0yMDAxMTQyMjU1MzNaFw0yMTAxMjMyMjU1MzNaMA0xCzAJBgNVBAMMAkJDMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE8YnXXfaUgmnMtOXU/IncWalRhebrXmckC8vdgJ1p"
    "5Be5F/3YC8OthxM4+k1M6aEAEFcGzkJiNy6J84y7uzo9M6NyMHAwCQYDVR0TBAIwADAfBgNVHSMEGDAWgBRm3WjLa38lbEYCuiCPct0ZaSED2DAOBgNVHQ8BAf8EBAMCBsAwEwYDVR0lBAwwCgYIKwYBBQUHAwIwHQYDVR0RAQH/BBMwEYEPYmRjQGV4YW1wbGUuY29tMAoGCCqGSM49BAMCA0gAMEUCIBHda/r1vaL6G3VliL4/Di6YK0Q6bMje"
    "SkC3dFCOOB8TAiEAx/kHSB4urmiZ0NX5r5XarmPk0wmuydBVoU4hBVZ1yhk="
)
ISSUER_9440 = (
    "MIIB5jCCAYugAwIBAgIBFjAKBggqhkjOPQQDAjBWMQswCQYDVQQGEwJVUzEbMBkGA1UECgwSTGV0J3MgQXV0aGVudGljYXRlMSowKAYDVQQDDCFMZXQncyBBdXRoZW50aWNhdGUgUm9vdCBBdXRob3JpdHkwHhcNMjAwMTE0MjEzMjMwWhcNMzAwMTExMjEzMjMwWjA6MRswGQYDVQQKDBJMZXQncyBBdXRoZW50aWNhdGUxGzAZBgNVBAMMEkxB"
    "IEludGVybWVkaWF0ZSBDQTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABJf+aA54RC5pyLAR5yfXVYmNpgd+CGUTDp2KOGhc0gK91zxhHesEYkdXkpS2UN8Kati+yHtWCV3kkhCngGyv7RqjZjBkMB0GA1UdDgQWBBRm3WjLa38lbEYCuiCPct0ZaSED2DAfBgNVHSMEGDAWgBTEA2Q6eecKu9g9yb5glbkhhVINGDASBgNVHRMBAf8ECDAGAQH/"
    "AgEAMA4GA1UdDwEB/wQEAwIBhjAKBggqhkjOPQQDAgNJADBGAiEA5pLvaFwRRkxomIAtDIwg9D7gC1xzxBl4r28EzmSO1pcCIQCJUShpSXO9HDIQMUgH69fNDEMHXD3RRX5gP7kuu2KGMg=="
)
ED_8032 = [
    ("1", "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "", "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"),
    ("2", "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72", "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"),
    ("3", "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82", "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"),
]
EC_6979 = ("60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6", "7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299")
SIGNED_6979 = [
    ("sample", "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716", "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8"),
    ("test", "F1ABB023518351CD71D881567B1EA663ED3EFCF6C5132B354F28D3B0B7D38367", "019F4113742A2B14BD25926B49C649155F267E60D3814B4C0CC84250E46F0083"),
]


def verify(jwk, message, signature, alg):
    """By `cryptography`; raises where the published value is not what it says."""
    message, signature = message.encode() if isinstance(message, str) else message, unb64u(signature)
    of = lambda name: int.from_bytes(unb64u(jwk[name]), "big")
    if jwk["kty"] == "RSA":
        digest = {"256": hashes.SHA256(), "384": hashes.SHA384()}[alg[2:]]
        scheme = padding.PSS(padding.MGF1(digest), digest.digest_size) if alg.startswith("PS") else padding.PKCS1v15()
        rsa.RSAPublicNumbers(of("e"), of("n")).public_key().verify(signature, message, scheme, digest)
    elif jwk["kty"] == "EC":
        r, s = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
        ec.EllipticCurvePublicNumbers(of("x"), of("y"), ec.SECP256R1()).public_key().verify(encode_dss_signature(r, s), message, ec.ECDSA(hashes.SHA256()))
    else:
        ed25519.Ed25519PublicKey.from_public_bytes(unb64u(jwk["x"])).verify(signature, message)


def thumbprint(jwk):
    names = {"EC": "crv kty x y", "RSA": "e kty n", "OKP": "crv kty x"}[jwk["kty"]].split()
    canonical = json.dumps({name: jwk[name] for name in names}, separators=(",", ":"))
    return b64u(hashlib.sha256(canonical.encode()).digest())


def signatures(book):
    def add(identifier, source, alg, jwk, message, signature):
        verify(jwk, message, signature, alg)
        given = {"jwk": json.dumps(jwk), "signing_input": text(message), "signature": signature}
        good = book.add(identifier, "signature", given, policy={"algorithms": [alg]}, source=source)
        changed = ("B" if signature[0] != "B" else "C") + signature[1:]
        book.add(f"{identifier}-changed", "signature", given | {"signature": changed}, "signature_invalid", {"algorithms": [alg]}, source=source, twin=good)

    of_rsa = lambda n: {"kty": "RSA", "n": n, "e": "AQAB"}
    add("rfc7515.a2", "RFC 7515 appendix A.2", "RS256", of_rsa(RSA_7515), f"eyJhbGciOiJSUzI1NiJ9.{PAYLOAD_7515}", SIGNATURE_A2)
    add("rfc7515.a3", "RFC 7515 appendix A.3", "ES256", EC_7515, f"eyJhbGciOiJFUzI1NiJ9.{PAYLOAD_7515}", SIGNATURE_A3)
    add("rfc7520.4.1", "RFC 7520 section 4.1", "RS256", of_rsa(RSA_7520), f"{HEADER_7520_4_1}.{PAYLOAD_7520}", SIGNATURE_7520_4_1)
    ed = {"kty": "OKP", "crv": "Ed25519", "x": ED_8037}
    for alg in ("EdDSA", "Ed25519"):
        add(f"rfc8037.a4-{alg}", "RFC 8037 appendices A.4 and A.5", alg, ed, f"eyJhbGciOiJFZERTQSJ9.{b64u('Example of Ed25519 signing')}", SIGNATURE_8037)
    for name, public, message, signature in ED_8032:
        jwk = {"kty": "OKP", "crv": "Ed25519", "x": b64u(bytes.fromhex(public))}
        add(f"rfc8032.7.1-{name}", "RFC 8032 section 7.1", "EdDSA", jwk, bytes.fromhex(message), b64u(bytes.fromhex(signature)))
    jwk = {"kty": "EC", "crv": "P-256", "x": b64u(bytes.fromhex(EC_6979[0])), "y": b64u(bytes.fromhex(EC_6979[1]))}
    for message, r, s in SIGNED_6979:
        add(f"rfc6979.a25-{message}", "RFC 6979 appendix A.2.5", "ES256", jwk, message, b64u(bytes.fromhex(r + s)))
    # The examples' tokens are no access tokens of ours: each is refused for the first thing that FAPI forbids in it.
    older = {"issuer": "joe", "audience": "x", "algorithms": ["ES256"], "profile": {"types": [None], "required": []}, "binding": "optional", "jwks": {"keys": [EC_7515]}}
    whole = f"eyJhbGciOiJFUzI1NiJ9.{PAYLOAD_7515}.{SIGNATURE_A3}"
    for identifier, source, value, expect in [
        ("rfc7515.a1-hs256", "RFC 7515 appendix A.1", f"eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.{PAYLOAD_7515}.{TICKET_A1}", "type_mismatch"), ("rfc7515.a3-token", "RFC 7515 appendix A.3", whole, "audience_missing"), ("rfc7515.a2-token", "RFC 7515 appendix A.2", f"eyJhbGciOiJSUzI1NiJ9.{PAYLOAD_7515}.{SIGNATURE_A2}", "algorithm_refused"),
        ("rfc7515.a5-none", "RFC 7515 appendix A.5", f"eyJhbGciOiJub25lIn0.{PAYLOAD_7515}.", "algorithm_refused"), ("rfc7520.4.2-token", "RFC 7520 section 4.2 (PS384)", f"{HEADER_7520_4_2}.{PAYLOAD_7520}.{SIGNATURE_7520_4_2}", "algorithm_refused"),
    ]:
        book.token(identifier, value, expect, older, "bearer", now=1300819379, source=source)
    verify(of_rsa(RSA_7520), f"{HEADER_7520_4_2}.{PAYLOAD_7520}", SIGNATURE_7520_4_2, "PS384")


def thumbprints(book):
    def add(identifier, source, jwk, expected, algorithms):
        assert thumbprint(jwk) == expected, identifier
        book.add(identifier, "jwk", {"jwk": json.dumps(jwk)}, policy={"algorithms": algorithms}, output={"thumbprint": expected}, source=source)

    key = {"kty": "RSA", "n": RSA_7638, "e": "AQAB", "alg": "RS256", "kid": "2011-04-29"}
    add("rfc7638.3.1", "RFC 7638 section 3.1", key, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs", ["RS256"])
    add("rfc8037.a3", "RFC 8037 appendix A.3", {"kty": "OKP", "crv": "Ed25519", "x": ED_8037}, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k", ["EdDSA"])
    add("rfc9449.6.1", "RFC 9449 section 6.1", EC_9449, JKT_9449, FAPI)
    add("rfc7515.a2-jwk", "RFC 7515 appendix A.2, thumbprint computed", {"kty": "RSA", "n": RSA_7515, "e": "AQAB"}, thumbprint({"kty": "RSA", "n": RSA_7515, "e": "AQAB"}), ["PS256"])


def tickets(book):
    digest = hashlib.sha256(TICKET_A1.encode()).digest()
    assert b64u(digest) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    assert base64.b64encode(digest).decode() == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw+cM="
    # The published pair is an HMAC's signature, which no ticket can be: 32 octets.
    book.add("rfc7636.b", "ticket", {"ticket": TICKET_A1}, "ticket_malformed", source="RFC 7515 appendix A.1 and RFC 7636 appendix B", twin="rfc7515.a3-ticket")
    for name, ticket in {"a3": SIGNATURE_A3, "a2": SIGNATURE_A2}.items():
        digest = hashlib.sha256(ticket.encode()).digest()
        spelled = {"base64url": b64u(digest), "base64": base64.b64encode(digest).decode(), "hex": digest.hex()}
        book.add(f"rfc7515.{name}-ticket", "ticket", {"ticket": ticket}, output=spelled, source=f"RFC 7515 appendix {name.upper()}, hash computed")


def certificates(book):
    source = "RFC 8705 appendix A"
    own = x509.load_pem_x509_certificate(CERTIFICATE_8705.encode())
    der = own.public_bytes(serialization.Encoding.DER)
    own.public_key().verify(own.signature, own.tbs_certificate_bytes, ec.ECDSA(hashes.SHA256()))
    assert b64u(hashlib.sha256(der).digest()) == THUMBPRINT_8705
    encoded = base64.b64encode(der).decode()
    escaped = CERTIFICATE_8705.replace("%", "%25").replace("+", "%2B").replace("/", "%2F").replace("=", "%3D").replace("\n", "%0A").replace(" ", "%20")
    for form, value in {"pem": CERTIFICATE_8705, "der": {"hex": der.hex()}, "escaped_pem": escaped, "client_cert": f":{encoded}:"}.items():
        book.add(f"rfc8705.a-{form}", "certificate", {"form": form, "values": [value]}, output={"thumbprint": THUMBPRINT_8705}, source=source)
    jwk = {"kty": "EC", "x": "1yfLHCpXqFjxCeHHHMVDTcLscpb07KUxudBmOMn8C7Q", "y": "8_coZwxS7LfA4vOLS9WuneIXhbGGWvsDSb0tH6IxLm8", "crv": "P-256", "x5c": [encoded]}
    numbers = own.public_key().public_numbers()
    assert (numbers.x, numbers.y) == tuple(int.from_bytes(unb64u(jwk[name]), "big") for name in "xy")
    book.add("rfc8705.a-jwk", "jwk", {"jwk": json.dumps(jwk)}, policy={"algorithms": FAPI}, output={"thumbprint": thumbprint(jwk)}, source=source)
    leaf, issuer = (x509.load_der_x509_certificate(base64.b64decode(value)) for value in (LEAF_9440, ISSUER_9440))
    leaf.verify_directly_issued_by(issuer)
    expected = b64u(hashlib.sha256(base64.b64decode(LEAF_9440)).digest())
    source = "RFC 9440 appendix A, thumbprint computed"
    book.add("rfc9440.a-client-cert", "certificate", {"form": "client_cert", "values": [f":{LEAF_9440}:"]}, output={"thumbprint": expected}, source=source)
    book.add("rfc9440.a-two-fields", "certificate", {"form": "client_cert", "values": [f":{LEAF_9440}:", f":{ISSUER_9440}:"]}, "certificate_repeated", source=source, twin="rfc9440.a-client-cert")
    book.add("rfc9440.a-chain-in-one", "certificate", {"form": "client_cert", "values": [f":{LEAF_9440}:, :{ISSUER_9440}:"]}, "certificate_repeated", source=source, twin="rfc9440.a-client-cert")


def proofs(book):
    for proof in (PROOF_TOKEN, PROOF_REFRESH, PROOF_RESOURCE):
        verify(EC_9449, proof.rpartition(".")[0], proof.rpartition(".")[2], "ES256")
    assert thumbprint(EC_9449) == JKT_9449
    assert b64u(hashlib.sha256(TOKEN_9449.encode()).digest()) == "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"
    policy, output = {"algorithms": FAPI}, {"thumbprint": JKT_9449}
    at_token = lambda proof: {"proof": proof, "method": "POST", "url": "https://server.example.com/token", "token": None}
    at_resource = {"proof": PROOF_RESOURCE, "method": "GET", "url": "https://resource.example.org/protectedresource", "token": TOKEN_9449}
    add = lambda identifier, given, now, expect="ok", **more: book.add(f"rfc9449.{identifier}", "dpop", given, expect, policy, now=now, source="RFC 9449 sections 4.1, 5 and 7.1", **more)
    good = add("5-token-request", at_token(PROOF_TOKEN), 1562262616, output=output)
    add("5-refresh-request", at_token(PROOF_REFRESH), 1562265296, output=output)
    add("5-refresh-after-token", at_token(PROOF_REFRESH) | {"before": [at_token(PROOF_TOKEN) | {"now": 1562262616, "expect": "ok"}]}, 1562265296, output=output)
    add("5-token-request-replayed", at_token(PROOF_TOKEN) | {"before": [at_token(PROOF_TOKEN) | {"now": 1562262616, "expect": "ok"}]}, 1562262617, "proof_replayed", twin=good)
    add("5-token-request-late", at_token(PROOF_TOKEN), 1562262917, "proof_issued_at", twin=good)
    add("5-token-request-early", at_token(PROOF_TOKEN), 1562262605, "proof_issued_at", twin=good)
    good = add("7-resource-request", at_resource, 1562262618, output=output)
    for what, change, expect in [
        ("other-token", {"token": TOKEN_9449 + "x"}, "proof_token_hash"), ("other-method", {"method": "POST"}, "proof_method"), ("other-url", {"url": "https://resource.example.org/"}, "proof_url"), ("token-request-at-the-resource", {"proof": PROOF_TOKEN, "method": "POST", "url": "https://server.example.com/token"}, "proof_token_hash"),
        ("changed", {"proof": PROOF_RESOURCE[:-4] + "AAAA"}, "proof_signature"),
    ]:
        add(f"7-resource-request-{what}", at_resource | change, 1562262618, expect, twin=good)


def access_token(book):
    """RFC 9068 section 3 prints the example's header and claims, not its signature: signed here with a test key."""
    key = Key("issuer-rs")
    head = {"typ": "at+JWT", "alg": "RS256", "kid": "RjEwOwOA"}
    payload = {"iss": "https://authorization-server.example.com/", "sub": "5ba552d67", "aud": "https://rs.example.com/", "exp": 1639528912, "iat": 1618354090, "jti": "dbe39bf3a3ba4238a513f51d6e1691c4", "client_id": "s6BhdRkqt3", "scope": "openid profile reademail"}
    policy = {"issuer": payload["iss"], "audience": payload["aud"], "algorithms": ["RS256"], "binding": "optional", "jwks": {"keys": [key.jwk(kid="RjEwOwOA", alg="RS256")]}}
    add = lambda what, value, expect="ok", **more: book.token(f"rfc9068.3-{what}", value, expect, policy | more.pop("demand", {}), "bearer", now=more.pop("now", 1618354090), source="RFC 9068 section 3, signed with a test key", **more)
    value = jws(head, payload, key)
    good = add("example", value, output={"claims": payload})
    add("example-with-scopes", value, demand={"scopes": ["openid", "reademail"]}, output={"claims": payload})
    add("example-expired", value, "token_expired", now=1639528922, twin=good)
    add("example-in-its-last-second", value, now=1639528921)
    add("example-where-binding-is-required", value, "confirmation_missing", demand={"binding": "required"}, twin=good)
    add("example-under-fapi", value, "key_algorithm_conflict", demand={"algorithms": FAPI}, twin=good)
    add("example-without-slash", value, "issuer_mismatch", demand={"issuer": "https://authorization-server.example.com"}, twin=good)


def mint():
    book = Book("rfc", "Published values: RFC 6979, 7515, 7520, 7636, 7638, 8032, 8037, 8705, 9068, 9440, 9449.")
    for part in (signatures, thumbprints, tickets, certificates, proofs, access_token):
        part(book)
    return [book]
