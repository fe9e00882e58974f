"""Table 1.8: DPoP proofs, but for replay, nonces (attacks_replay) and `htu` (attacks_htu). DPO-11 is in attacks_binding, DPO-12 in attacks_request."""

import hashlib
import json

from book import CLIENT_KEYS, FAPI, NOW, URL, Book, Key, Raw, alter_segment, changed, issuer_key, jws, members
from encoding import b64u, b64u_int, text, unb64u
from signing import P256_ORDER, octets, p1363, sign, signing_input

METHOD = "GET"
TOKEN = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"
ALGORITHM = {"EC": "ES256", "RSA": "PS256", "OKP": "EdDSA"}
POLICY = {"dpop": {"algorithms": FAPI}, "dpop-rs256": {"algorithms": ["RS256"]}, "dpop-ed25519": {"algorithms": ["Ed25519"]}}


def ath(token):
    return b64u(hashlib.sha256(token.encode()).digest())


def proof_header(key, drop=(), **change):
    return changed({"typ": "dpop+jwt", "alg": ALGORITHM[key.kty], "jwk": key.jwk()}, drop, **change)


def proof_claims(token=TOKEN, drop=(), **change):
    good = {"jti": "proof-1", "htm": METHOD, "htu": URL, "iat": NOW}
    return changed(good | ({} if token is None else {"ath": ath(token)}), drop, **change)


def proof(key, token=TOKEN, head=None, payload=None, alg=None, signer=None):
    """A good proof of `key` for `token`, or one whose parts are given."""
    head = proof_header(key) if head is None else head
    return jws(head, proof_claims(token) if payload is None else payload, signer or key, alg or ALGORITHM[key.kty])


def request(value, token=TOKEN, method=METHOD, url=URL):
    return {"proof": text(value), "method": method, "url": url, "token": token}


def add(book, identifier, value, expect="ok", policy="dpop", token=TOKEN, method=METHOD, url=URL, **more):
    return book.add(identifier, "dpop", request(value, token, method, url), expect, policy, **more)


def headers(book):
    for alg, name in CLIENT_KEYS.items():
        key = Key(name)
        good = add(book, f"DPO-01.{alg}-good", proof(key), output={"thumbprint": key.thumbprint()})
        refuse = lambda what, head, expect, signer=None: add(book, f"DPO-01.{alg}-{what}", proof(key, head=head, signer=signer), expect, twin=good)
        for what, typ in {"jwt": "JWT", "at-jwt": "at+jwt", "prefix": "xdpop+jwt", "suffix": "dpop+jwt2", "empty": "", "blank": "dpop+jwt ", "parameter": "dpop+jwt;a=1", "underscore": "dpop_jwt", "dpop": "dpop", "text-slash": "text/dpop+jwt"}.items():
            refuse(f"typ-{what}", proof_header(key, typ=typ), "proof_type")
        refuse("typ-missing", proof_header(key, drop=["typ"]), "proof_type")
        for what, typ in {"number": 1, "null": None, "list": ["dpop+jwt"]}.items():
            refuse(f"typ-{what}", proof_header(key, typ=typ), "proof_malformed")
        for what, typ in {"upper": "DPOP+JWT", "application": "application/dpop+jwt", "mixed": "DPoP+JWT"}.items():
            add(book, f"DPO-01.{alg}-typ-{what}-good", proof(key, head=proof_header(key, typ=typ)), output={"thumbprint": key.thumbprint()})
        for other in ("none", "None", "HS256", "RS256", "ES384", "ES512", "XX256", "", alg.lower(), "Ed25519", "dir"):
            refuse(f"alg-{other or 'empty'}", proof_header(key, alg=other), "proof_algorithm")
        add(book, f"DPO-01.{alg}-alg-none-unsigned", signing_input(proof_header(key, alg="none"), proof_claims()) + ".", "proof_algorithm", twin=good)
        refuse("alg-missing", proof_header(key, drop=["alg"]), "proof_algorithm")
        for what, value in {"number": 1, "null": None, "list": [alg]}.items():
            refuse(f"alg-{what}", proof_header(key, alg=value), "proof_malformed")
        for other in (listed for listed in FAPI if listed != alg):
            refuse(f"alg-called-{other}", proof_header(key, alg=other), "proof_key_invalid")
        refuse("jwk-missing", proof_header(key, drop=["jwk"]), "proof_key_missing")
        refuse("jwk-named-kid", proof_header(key, drop=["jwk"], kid=key.thumbprint()), "proof_key_missing")
        refuse("jwk-in-x5c", proof_header(key, drop=["jwk"], x5c=["MIIB"]), "proof_key_missing")
        refuse("jwk-by-jku", proof_header(key, drop=["jwk"], jku="https://attacker.example/jwks"), "proof_key_missing")
        for what, value in {"text": json.dumps(key.jwk()), "list": [key.jwk()], "null": None, "number": 1, "thumbprint": key.thumbprint(), "true": True}.items():
            refuse(f"jwk-{what}", proof_header(key, jwk=value), "proof_key_missing")
        for what, value in {
            "empty": {}, "set": {"keys": [key.jwk()]}, "oct": {"kty": "oct", "k": "AAAA"}, "private": key.private, "private-d": key.jwk(d="AQAB"), "private-d-null": key.jwk(d=None), "kty-missing": {k: v for k, v in key.jwk().items() if k != "kty"}, "kty-unknown": key.jwk(kty="XX"), "kty-lower": key.jwk(kty=key.kty.lower()), "use-enc": key.jwk(use="enc"), "ops-sign": key.jwk(key_ops=["sign"]),
            "alg-of-another": key.jwk(alg="ES384"), "alg-number": key.jwk(alg=1), "k-beside": key.jwk(k="AAAA"),
        }.items():
            refuse(f"jwk-{what}", proof_header(key, jwk=value), "proof_key_invalid")
        for what, value in {"own-alg": key.jwk(alg=alg), "use-sig": key.jwk(use="sig"), "ops-verify": key.jwk(key_ops=["verify"]), "kid": key.jwk(kid="k"), "unknown": key.jwk(x_own=1, ext=True)}.items():
            add(book, f"DPO-01.{alg}-jwk-{what}-good", proof(key, head=proof_header(key, jwk=value)), output={"thumbprint": key.thumbprint()})
        for what, more in {"crit": {"crit": ["x"]}, "b64": {"b64": False}, "zip": {"zip": "DEF"}, "enc": {"enc": "A256GCM"}, "cty-jwt": {"cty": "JWT"}, "kid-number": {"kid": 1}}.items():
            refuse(what, proof_header(key, **more), "proof_malformed")
        for what, more in {"kid": {"kid": "any"}, "jku": {"jku": "https://attacker.example"}, "x5c": {"x5c": ["MIIB"]}, "unknown": {"x": {"y": [1]}}}.items():
            add(book, f"DPO-01.{alg}-header-{what}-ignored", proof(key, head=proof_header(key, **more)))
        repeated = members([*proof_header(key, drop=["jwk"]).items(), ("jwk", Raw(members([*key.jwk().items(), ("kty", key.kty)])))])
        refuse("jwk-kty-repeated", repeated, "proof_malformed")
        refuse("jwk-repeated", members([*proof_header(key).items(), ("jwk", key.jwk())]), "proof_malformed")
        refuse("jwk-repeated-escaped", members([*proof_header(key).items(), (Raw('"jw\\u006b"'), key.jwk())]), "proof_malformed")
        other = {"ES256": "client-es-2", "PS256": "attacker-ps", "EdDSA": "attacker-ed"}[alg]
        refuse("another-key-signed", proof_header(key), "proof_signature", signer=Key(other))
        refuse("another-key-in-the-header", proof_header(key, jwk=Key(other).jwk()), "proof_signature", signer=key)
    key = Key("client-es")
    value = proof(key)
    good = "DPO-01.ES256-good"
    shapes = {
        "empty": "", "text": "not a proof", "two-segments": value.rpartition(".")[0], "four-segments": value + ".AAAA", "five-segments": value + ".AAAA.AAAA", "padded": value + "=", "newline": value + "\n", "blank-before": " " + value, "comma-join": f"{value}, {proof(key, payload=proof_claims(jti='proof-2'))}", "json": '{"protected":"e30"}',
        "header-list": alter_segment(value, 0, lambda _: b64u("[]")), "header-not-json": alter_segment(value, 0, lambda _: b64u("x")), "dpop-before": f"DPoP {value}", "nul-behind": value + "\0",
    }
    for what, changed_value in shapes.items():
        add(book, f"DPO-01.shape-{what}", changed_value, "proof_malformed", twin=good)
    for what, payload in {"list": "[]", "text": '"x"', "nothing": "", "not-json": "{", "number": "1", "repeated": members([*proof_claims().items(), ("htm", "GET")]), "repeated-escaped": members([*proof_claims().items(), (Raw('"\\u0068tm"'), "GET")]), "bom": "\ufeff" + json.dumps(proof_claims()), "lone-surrogate": members(proof_claims() | {"jti": Raw('"\\ud800"')})}.items():
        add(book, f"DPO-01.payload-{what}", proof(key, payload=payload), "proof_malformed", twin=good)
    for what, payload in {"not-utf8": json.dumps(proof_claims()).encode()[:-1] + b',"x":"\xff"}', "too-deep": members([*proof_claims().items(), ("x", Raw("[" * 40 + "]" * 40))])}.items():
        add(book, f"DPO-01.payload-{what}", proof(key, payload=payload), "proof_malformed", twin=good)
    add(book, "DPO-01.unknown-claims-good", proof(key, payload=proof_claims(exp=1, nbf=10**10, iss="x", cnf={}, x=None)))
    for size in (4096, 4097, 4100, 300_000):
        for pad in range(size // 4 * 3):
            padded = proof(key, payload=proof_claims(pad="x" * (size * 3 // 4 - 700 + pad))) if size < 10_000 else "A" * size
            if len(padded) >= size:
                break
        book_size = len(padded)
        add(book, f"DPO-01.size-{size}", padded, "ok" if book_size <= 4096 else "proof_too_large", twin=None if book_size <= 4096 else good)


def weak_keys(book):
    key = Key("client-ps")
    good = "DPO-01.PS256-good"
    head = lambda jwk, alg="PS256": {"typ": "dpop+jwt", "alg": alg, "jwk": jwk}
    n = key.modulus
    for what, jwk, signer in [
        ("rsa-1024", Key("weak-1024").jwk(), Key("weak-1024")), ("rsa-2047", Key("weak-2047").jwk(), Key("weak-2047")), ("rsa-4097", Key("large-4097").jwk(), Key("large-4097")), ("e-1", key.jwk(e="AQ"), key), ("e-2", key.jwk(e="Ag"), key), ("e-64-bits", key.jwk(e=b64u_int(2**63 + 1)), key), ("n-even", key.jwk(n=b64u_int(n - 1)), key),
        ("n-zero", key.jwk(n="AA"), key), ("n-leading-zero", key.jwk(n=b64u(b"\0" + unb64u(key.private["n"]))), key), ("e-leading-zero", key.jwk(e="AAEAAQ"), key), ("n-missing", {"kty": "RSA", "e": "AQAB"}, key), ("e-missing", {"kty": "RSA", "n": key.private["n"]}, key),
    ]:
        add(book, f"DPO-02.{what}", proof(key, head=head(jwk), signer=signer), "proof_key_invalid", twin=good)
    # With e = 1 the encoded message is its own signature: what a verifier that takes any key would accept.
    from signing import pss_encoding

    message = signing_input(head(key.jwk(e="AQ")), proof_claims())
    add(book, "DPO-02.e-1-self-signed", f"{message}.{b64u(pss_encoding(message.encode(), n.bit_length()))}", "proof_key_invalid", twin=good)
    for name in ("issuer-ps-2049", "issuer-ps-3072"):
        large = Key(name)
        add(book, f"DPO-02.{name[7:]}-good", proof(large), output={"thumbprint": large.thumbprint()})
    es = Key("client-es")
    good = "DPO-01.ES256-good"
    for what, jwk in {
        "off-curve": es.jwk(y=es.private["x"]), "infinity": es.jwk(x="A" * 43, y="A" * 43), "x-short": es.jwk(x=b64u(unb64u(es.private["x"])[1:])), "x-long": es.jwk(x=b64u(b"\0" + unb64u(es.private["x"]))), "x-missing": {"kty": "EC", "crv": "P-256", "y": es.private["y"]}, "crv-p384": es.jwk(crv="P-384"), "p384": Key("p384").jwk(), "p521": Key("p521").jwk(), "secp256k1": es.jwk(crv="secp256k1"),
        "x-above-p": es.jwk(x=b64u(b"\xff" * 32)), "okp-under-es256": Key("client-ed").jwk(), "rsa-under-es256": key.jwk(),
    }.items():
        add(book, f"DPO-02.ec-{what}", proof(es, head=head(jwk, "ES256")), "proof_key_invalid", twin=good)
    from load_keys import NOT_CANONICAL, SMALL_ORDER

    ed = Key("client-ed")
    good = "DPO-01.EdDSA-good"
    for what, point in (SMALL_ORDER | NOT_CANONICAL).items():
        jwk = ed.jwk(x=b64u(bytes.fromhex(point)))
        message = signing_input(head(jwk, "EdDSA"), proof_claims())
        add(book, f"DPO-02.ed-{what}", f"{message}.{b64u(bytes.fromhex(point) + bytes(32))}", "proof_key_invalid", twin=good)
    add(book, "DPO-02.ed448", proof(ed, head=head({"kty": "OKP", "crv": "Ed448", "x": "A" * 76}, "EdDSA")), "proof_key_invalid", twin=good)
    add(book, "DPO-02.x25519", proof(ed, head=head(ed.jwk(crv="X25519"), "EdDSA")), "proof_key_invalid", twin=good)
    book.source = "attack table 1.6"
    for bits in (4104, 8192):
        jwk = key.jwk(n=b64u_int((1 << bits - 1) + 1))
        message = signing_input(head(jwk), proof_claims())
        add(book, f"DOS-04.rsa-{bits}", f"{message}.{b64u(bytes(bits // 8))}", "proof_key_invalid", twin="DPO-01.PS256-good")
    jwk = key.jwk(n=b64u_int((1 << 16383) + 1))
    message = signing_input(head(jwk), proof_claims())
    add(book, "DOS-04.rsa-16384", f"{message}.{b64u(bytes(2048))}", "proof_too_large", twin="DPO-01.PS256-good")
    book.source = "attack table 1.8"
    rs = add(book, "DPO-01.RS256-listed", proof(key, head=head(key.jwk(), "RS256"), alg="RS256"), policy="dpop-rs256")
    add(book, "DPO-01.RS256-not-listed", proof(key, head=head(key.jwk(), "RS256"), alg="RS256"), "proof_algorithm", twin=rs)
    full = add(book, "DPO-01.Ed25519-listed", proof(ed, head=head(ed.jwk(), "Ed25519"), alg="Ed25519"), policy="dpop-ed25519")
    add(book, "DPO-01.EdDSA-where-Ed25519", proof(ed), "proof_algorithm", "dpop-ed25519", twin=full)
    negated = signing_input(proof_header(es), proof_claims())
    r, s = es.ecdsa(negated.encode())
    add(book, "DPO-07.s-negated-good", f"{negated}.{b64u(p1363(r, P256_ORDER - s))}")
    for what, made in {"der-length": p1363(r, s) + b"\0", "zero": bytes(64), "empty": b"", "r-0": p1363(0, s), "of-the-payload": sign("ES256", es, negated.split(".")[1])}.items():
        add(book, f"DPO-01.signature-{what}", f"{negated}.{b64u(made)}", "proof_signature", twin="DPO-01.ES256-good")


def claims_of_proofs(book):
    for alg, name in CLIENT_KEYS.items():
        key = Key(name)
        good = f"DPO-01.{alg}-good"
        with_claims = lambda **change: proof(key, payload=proof_claims(**change))
        for missing, row in {"jti": "DPO-06", "htm": "DPO-03", "htu": "DPO-04", "iat": "DPO-05"}.items():
            add(book, f"{row}.{alg}-without-{missing}", proof(key, payload=proof_claims(drop=[missing])), "proof_claim_missing", twin=good)
        for what, htm in {"post": "POST", "lower": "get", "mixed": "Get", "empty": "", "blank": "GET ", "prefix": "GE", "suffix": "GETS", "list-text": "GET,POST", "star": "*", "nul": "GET\0"}.items():
            add(book, f"DPO-03.{alg}-{what}", with_claims(htm=htm), "proof_method", twin=good)
        for what, htm in {"list": ["GET"], "null": None, "number": 1, "object": {"GET": 1}}.items():
            add(book, f"DPO-03.{alg}-{what}", with_claims(htm=htm), "proof_claim_malformed", twin=good)
        for offset in (-3600, -301, -300, -299, -1, 0, 1, 9, 10, 11, 61, 3600):
            accepted = -300 <= offset <= 10
            add(book, f"DPO-05.{alg}-{offset:+}", with_claims(iat=NOW + offset), "ok" if accepted else "proof_issued_at", twin=None if accepted else good)
        for what, raw in {"text": f'"{NOW}"', "null": "null", "1e400": "1e400", "negative": "-1", "minus-zero": "-0", "list": f"[{NOW}]", "true": "true", "beyond-2-53": "9007199254740993", "u64": "18446744073709551616"}.items():
            add(book, f"DPO-05.{alg}-{what}", proof(key, payload=members(proof_claims() | {"iat": Raw(raw)})), "proof_claim_malformed", twin=good)
        for what, jti, expect in [("empty", "", "proof_id_length"), ("1", "x", "ok"), ("256", "x" * 256, "ok"), ("257", "x" * 257, "proof_id_length"), ("2-kib", "x" * 1500, "proof_id_length"), ("4-kib", "x" * 4096, "proof_too_large"), ("128-two-octets", "\u00e9" * 128, "ok"), ("129-two-octets", "\u00e9" * 129, "proof_id_length"), ("64-four-octets", "\U0001f600" * 64, "ok"), ("nul", "\0", "ok")]:
            add(book, f"DPO-06.{alg}-{what}", with_claims(jti=jti), expect, twin=None if expect == "ok" else good)
        for what, jti in {"number": 1, "null": None, "list": ["x"], "object": {}, "true": True}.items():
            add(book, f"DPO-06.{alg}-{what}", with_claims(jti=jti), "proof_claim_malformed", twin=good)
        wrong = {
            "other-token": ath("another"), "empty": "", "padded": ath(TOKEN) + "=", "cut": ath(TOKEN)[:-1], "hex": hashlib.sha256(TOKEN.encode()).hexdigest(), "sha1": b64u(hashlib.sha1(TOKEN.encode()).digest()), "sha512": b64u(hashlib.sha512(TOKEN.encode()).digest()), "token-itself": TOKEN, "half": ath(TOKEN)[:22], "with-scheme": ath("DPoP " + TOKEN), "of-nothing": ath(""), "newline": ath(TOKEN) + "\n",
            "case": ath(TOKEN).swapcase(), "of-the-hash": ath(ath(TOKEN)),
        }
        for what, value in wrong.items():
            add(book, f"DPO-10.{alg}-{what}", with_claims(ath=value), "proof_token_hash", twin=good)
        add(book, f"DPO-10.{alg}-missing", proof(key, token=None), "proof_token_hash", twin=good)
        for what, value in {"number": 1, "null": None, "list": [ath(TOKEN)]}.items():
            add(book, f"DPO-10.{alg}-{what}", with_claims(ath=value), "proof_claim_malformed", twin=good)
        add(book, f"DPO-10.{alg}-token-endpoint", proof(key, token=None), token=None)
        add(book, f"DPO-10.{alg}-token-endpoint-with-ath", proof(key), token=None)
        add(book, f"DPO-10.{alg}-empty-token", proof(key, token=""), token="")
        if alg == "ES256":
            add(book, "DPO-06.4-kib-raw", with_claims(jti="x" * 2900), "proof_too_large", twin=good)
    key = Key("client-es")
    good = "DPO-01.ES256-good"
    for what, raw, accepted in [("-300.0", f"{NOW - 300}.0", True), ("-300.5", f"{NOW - 301}.5", False), ("-299.5", f"{NOW - 300}.5", True), ("+10.5", f"{NOW + 10}.5", False), ("+9.5", f"{NOW + 9}.5", True), ("exponent", f"{NOW // 100}e2", True), ("+10.0", f"{NOW + 10}.00", True)]:
        add(book, f"DPO-05.fraction-{what}", proof(key, payload=members(proof_claims() | {"iat": Raw(raw)})), "ok" if accepted else "proof_issued_at", twin=None if accepted else good)
    for past, ahead, offset in [(60, 5, -60), (60, 5, -61), (60, 5, 5), (60, 5, 6), (0, 0, 0), (0, 0, -1), (0, 0, 1), (3600, 60, -3600), (3600, 60, 60)]:
        accepted = -past <= offset <= ahead
        add(book, f"DPO-05.window-{past}-{ahead}-{offset:+}", proof(key, payload=proof_claims(iat=NOW + offset)), "ok" if accepted else "proof_issued_at", {"base": "dpop", "past": past, "ahead": ahead}, twin=None if accepted else good)
    for what, method, expect in [("own-method", "PURGE", "ok"), ("lower-method-of-the-host", "get", "ok"), ("host-without-method", "", "request_method")]:
        add(book, f"DPO-03.{what}", proof(key, payload=proof_claims(htm=method)), expect, method=method, twin=None if expect == "ok" else good)
    add(book, "DPO-03.escaped-good", proof(key, payload=members(proof_claims() | {"htm": Raw('"\\u0047ET"')})))
    add(book, "DPO-04.escaped-good", proof(key, payload=members(proof_claims() | {"htu": Raw(json.dumps(URL).replace("/", "\\/"))})))


def order(book):
    """The first fault in the order of README.md decides."""
    key = Key("client-es")
    stages = [("typ", "proof_type"), ("alg", "proof_algorithm"), ("jwk", "proof_key_missing"), ("htm", "proof_method"), ("htu", "proof_url"), ("iat", "proof_issued_at"), ("ath", "proof_token_hash"), ("signature", "proof_signature")]

    def made(faults):
        head = proof_header(key, drop=[name for name in faults if name == "jwk"], **({"typ": "JWT"} if "typ" in faults else {}), **({"alg": "none"} if "alg" in faults else {}))
        wrong = {"htm": "POST", "htu": "https://x.example/", "iat": 1, "ath": "A" * 43}
        return proof(key, head=head, payload=proof_claims(**{name: wrong[name] for name in faults if name in wrong}), signer=Key("client-es-2") if "signature" in faults else None)

    for i, (first, slug) in enumerate(stages):
        for second, _ in stages[i + 1 :]:
            add(book, f"DPO-00.{first}-before-{second}", made((first, second)), slug, twin="DPO-01.ES256-good")
    add(book, "DPO-00.all", made([name for name, _ in stages]), "proof_type", twin="DPO-01.ES256-good")


def mint():
    book = Book("dpop", "Attacks 1.8: DPoP proofs.", policies=POLICY)
    book.source = "attack table 1.8"
    for part in (headers, weak_keys, claims_of_proofs, order):
        part(book)
    return [book]
