"""Table 1.3: the JOSE header and the serialization."""

import json

from book import FAPI, HOLDER, Book, Raw, alter_segment, claims, header, issuer_key, jws, members, resigned, token
from encoding import b64u, text
from signing import octets, sign, signing_input


def compact(value):
    return json.dumps(value, separators=(",", ":"))


def raw_header(pairs, alg="ES256"):
    """A good token but for a header of (name, value) pairs."""
    return token(alg, members(pairs))


def critical(book):
    for alg in FAPI:
        good = book.token(f"HDR-01.{alg}-good", token(alg))
        book.token(f"HDR-01.{alg}-unknown-member-good", token(alg, header(alg, bork=True)))
        book.token(f"HDR-01.{alg}-crit", token(alg, header(alg, crit=["bork"], bork=True)), "header_critical", twin=f"HDR-01.{alg}-unknown-member-good")
        book.token(f"HDR-01.{alg}-crit-first", token(alg, {"crit": ["bork"], "bork": True} | header(alg)), "header_critical", twin=good)
    values = {
        "empty-list": [], "null": None, "text": "bork", "object": {"bork": True}, "number": 1, "true": True, "false": False, "list-of-numbers": [1], "list-of-null": [None], "repeated": ["bork", "bork"],
        "registered": ["alg"], "registered-typ": ["typ"], "registered-crit": ["crit"], "absent-name": ["absent"], "proto": ["__proto__"], "to-string": ["toString"], "empty-name": [""], "exp": ["exp"],
        "nested": [["bork"]], "b64": ["b64"], "upper": ["BORK"], "own-url": ["http://example.com/critical"],
    }
    for what, value in values.items():
        book.token(f"HDR-02.{what}", token(head=header(crit=value)), "header_critical", twin="HDR-01.ES256-good")
    for what, name in {"escaped": '"\\u0063rit"', "escaped-whole": '"\\u0063\\u0072\\u0069\\u0074"'}.items():
        book.token(f"HDR-02.name-{what}", raw_header([*header().items(), (Raw(name), ["bork"])]), "header_critical", twin="HDR-01.ES256-good")
    for what, name in {"capital": "Crit", "blank": "crit ", "nul": "crit\0"}.items():
        book.token(f"HDR-02.another-name-{what}", raw_header([*header().items(), (name, ["bork"])]))
    for what, pairs, expect in [
        ("before-malformed-typ", [("alg", "ES256"), ("crit", ["a"]), ("typ", 7)], "header_critical"),
        ("behind-malformed-typ", [("alg", "ES256"), ("typ", 7), ("crit", ["a"])], "header_malformed"),
    ]:
        book.token(f"HDR-02.{what}", raw_header(pairs), expect, twin="HDR-01.ES256-good")


def unencoded(book):
    good = "HDR-01.ES256-good"
    for what, head, expect in [
        ("without-crit", header(b64=False), "header_unencoded"),
        ("true-without-crit", header(b64=True), "header_unencoded"),
        ("with-crit-behind", header(b64=False, crit=["b64"]), "header_unencoded"),
        ("with-crit-before", header() | {"crit": ["b64"], "b64": False}, "header_critical"),
        ("null", header(b64=None), "header_unencoded"),
        ("text", header(b64="false"), "header_unencoded"),
    ]:
        book.token(f"HDR-03.{what}", token(head=head), expect, twin=good)
    for what, head, expect in [("raw-payload", header(b64=False), "header_unencoded"), ("raw-payload-with-crit", {"crit": ["b64"]} | header(b64=False), "header_critical")]:
        message = f"{b64u(octets(head))}.$02"
        book.token(f"HDR-03.{what}", f"{message}.{b64u(sign('ES256', issuer_key('ES256'), message))}", expect, twin=good)
    message = f"{b64u(octets(header()))}.$02"
    book.token("HDR-03.raw-payload-unannounced", f"{message}.{b64u(sign('ES256', issuer_key('ES256'), message))}", "base64url_malformed", twin=good)
    detached = token().split(".")
    book.token("HDR-03.detached", f"{detached[0]}..{detached[2]}", "json_malformed", twin=good)
    book.token("HDR-03.another-name", raw_header([*header().items(), ("B64", False)]))


def json_serialization(book):
    good = "HDR-01.ES256-good"
    value = token()
    head, payload, signature = value.split(".")
    flattened = {"protected": head, "payload": payload, "signature": signature}
    for what, changed, expect in [
        ("flattened", compact(flattened), "token_not_compact"),
        ("general", compact({"payload": payload, "signatures": [{"protected": head, "signature": signature}]}), "token_not_compact"),
        ("polyglot-name", '{"' + value + '":1}', "base64url_malformed"),
        ("polyglot-value", '{"a":"' + value + '"}', "base64url_malformed"),
        ("polyglot-behind", value + compact(flattened), "base64url_malformed"),
        ("polyglot-before", compact(flattened) + value, "base64url_malformed"),
        ("quoted", f'"{value}"', "base64url_malformed"),
        ("array", f'["{value}"]', "base64url_malformed"),
        ("bearer-before", f"Bearer {value}", "base64url_malformed"),
        ("json-header-in-clear", f"{compact(header())}.{payload}.{signature}", "base64url_malformed"),
        ("payload-in-clear", f"{head}.{compact({'iss': 'a'})}.{signature}", "base64url_malformed"),
        ("two-tokens", f"{value}.{value}", "token_not_compact"),
        ("two-tokens-comma", f"{value},{value}", "token_encrypted"),
    ]:
        book.token(f"HDR-04.{what}", changed, expect, twin=good)


def encrypted_or_nested(book):
    good = "HDR-01.ES256-good"
    value = token()
    jwe = {"alg": "RSA-OAEP-256", "enc": "A256GCM", "kid": "ps"}
    five = ".".join([b64u(compact(jwe)), "A" * 342, "AAAAAAAAAAAAAAAA", "AAAA", "AAAAAAAAAAAAAAAAAAAAAA"])
    for what, changed, expect in [
        ("jwe", five, "token_encrypted"),
        ("jwe-dir", ".".join([b64u(compact({"alg": "dir", "enc": "A128GCM"})), "", "AAAAAAAAAAAAAAAA", "AAAA", "AAAAAAAAAAAAAAAAAAAAAA"]), "token_encrypted"),
        ("jwe-none-inside", ".".join([b64u(compact(jwe | {"cty": "JWT"})), "AAAA", "AAAA", b64u(signing_input({"alg": "none"}, claims()) + "."), "AAAA"]), "token_encrypted"),
        ("five-segments-of-a-jws", value + ".AAAA.AAAA", "token_encrypted"),
        ("six-segments", five + ".AAAA", "token_not_compact"),
        ("four-segments", value + ".AAAA", "token_not_compact"),
        ("four-with-empty", value + ".", "token_not_compact"),
        ("two-segments", value.rpartition(".")[0], "token_not_compact"),
        ("one-segment", value.split(".")[0], "token_not_compact"),
        ("nothing", "", "token_not_compact"),
        ("jwe-header-on-a-jws", token(head=header(enc="A256GCM")), "header_encrypted"),
        ("jwe-header-alg", token(head={"enc": "A256GCM"} | header(alg="RSA-OAEP-256")), "header_encrypted"),
        ("enc-null", token(head=header(enc=None)), "header_encrypted"),
        ("enc-escaped", token(head=members([*header().items(), (Raw('"\\u0065nc"'), "A256GCM")])), "header_encrypted"),
    ]:
        book.token(f"HDR-05.{what}", changed, expect, twin=good)
    for what, cty in {"jwt": "JWT", "lower": "jwt", "mixed": "Jwt", "application": "application/jwt", "application-upper": "APPLICATION/JWT"}.items():
        book.token(f"HDR-05.cty-{what}", token(head=header(cty=cty)), "header_nested", twin=good)
        book.token(f"HDR-05.cty-{what}-nested", token(head=header(cty=cty), payload=token()), "header_nested", twin=good)
    book.token("HDR-05.nested-unannounced", token(payload=token()), "json_malformed", twin=good)
    book.token("HDR-05.nested-as-text", token(payload=compact(token())), "json_not_object", twin=good)
    for what, cty in {"json": "json", "empty": "", "jwt-suffix": "jwt2"}.items():
        book.token(f"HDR-05.cty-{what}-ignored", token(head=header(cty=cty)))
    for what, cty in {"number": 1, "null": None, "list": ["JWT"]}.items():
        book.token(f"HDR-05.cty-{what}", token(head=header(cty=cty)), "header_malformed", twin=good)
    kdf = {"p2c": 2**31 - 1, "p2s": "AAAA"}
    book.token("HDR-10.pbes2", ".".join([b64u(compact({"alg": "PBES2-HS512+A256KW", "enc": "A256GCM"} | kdf)), "AAAA", "AAAA", "AAAA", "AAAA"]), "token_encrypted", twin=good)
    book.token("HDR-10.pbes2-three-segments", token(head={"alg": "PBES2-HS512+A256KW", "enc": "A256GCM", "typ": "at+jwt"} | kdf), "header_encrypted", twin=good)
    book.token("HDR-10.pbes2-without-enc", token(head=header(alg="PBES2-HS512+A256KW") | kdf), "algorithm_refused", twin=good)
    book.token("HDR-10.p2c-ignored", token(head=header() | kdf))
    book.token("HDR-10.zip-bomb", ".".join([b64u(compact(jwe | {"zip": "DEF"})), "AAAA", "AAAA", "A" * 4096, "AAAA"]), "token_encrypted", twin=good)
    book.token("HDR-10.ecdh-es", ".".join([b64u(compact({"alg": "ECDH-ES", "enc": "A128GCM", "epk": {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}})), "", "AAAA", "AAAA", "AAAA"]), "token_encrypted", twin=good)


def repeated(book):
    good = "HDR-01.ES256-good"
    base = list(header().items())
    for what, pairs in {
        "alg": [*base, ("alg", "none")], "alg-same": [*base, ("alg", "ES256")], "alg-first-none": [("alg", "none"), *base], "typ": [*base, ("typ", "JWT")], "kid": [*base, ("kid", "ps")], "unknown": [*base, ("x", 1), ("x", 1)],
        "alg-escaped": [*base, (Raw('"\\u0061lg"'), "none")], "alg-escaped-first": [(Raw('"\\u0061lg"'), "none"), *base], "alg-escaped-upper-hex": [*base, (Raw('"\\u0061\\u006C\\u0067"'), "none")],
        "nested": [*base, ("x", Raw('{"a":1,"a":2}'))], "nested-escaped": [*base, ("x", Raw('{"a":1,"\\u0061":2}'))], "nested-in-list": [*base, ("x", Raw('[{"a":1,"b":2,"a":3}]'))], "deep": [*base, ("x", Raw('{"b":{"c":{"a":1,"a":2}}}'))],
        "empty-name": [*base, ("", 1), ("", 2)], "unicode": [*base, ("\u00e9", 1), (Raw('"\\u00e9"'), 2)], "solidus": [*base, ("a/b", 1), (Raw('"a\\/b"'), 2)], "astral": [*base, ("\U0001f600", 1), (Raw('"\\ud83d\\ude00"'), 2)],
        "newline": [*base, (Raw('"a\\n"'), 1), (Raw('"a\\u000a"'), 2)],
    }.items():
        book.token(f"HDR-06.header-{what}", raw_header(pairs), "json_member_repeated", twin=good)
        payload = [*claims().items(), *pairs] if not what.startswith("alg") and what not in ("typ", "kid") else [*claims().items(), *pairs, ("jti", "again")]
        book.token(f"HDR-06.payload-{what}", token(payload=members(payload)), "json_member_repeated", twin=good)
    for what, more in {
        "other-case": [("ALG", "none")], "other-normal-form": [("\u00e9", 1), ("e\u0301", 2)], "same-in-other-objects": [("a", {"n": 1}), ("b", {"n": 1})], "same-at-another-level": [("x", {"alg": "none", "typ": "JWT"})],
        "as-a-value": [("x", "alg")], "prefix": [("al", 1), ("algo", 2)], "nul": [("alg\0", 1)], "in-list": [("x", [{"a": 1}, {"a": 2}])],
    }.items():
        book.token(f"HDR-06.{what}-good", raw_header([*base, *more]))


def media_types(book):
    good = "HDR-01.ES256-good"
    for what, typ in {
        "upper": "AT+JWT", "mixed": "at+JWT", "application": "application/at+jwt", "application-upper": "APPLICATION/AT+JWT", "application-mixed": "Application/At+Jwt",
    }.items():
        book.token(f"HDR-07.{what}-good", token(head=header(typ=typ)))
    book.token("HDR-07.escaped-good", token(head=members(header() | {"typ": Raw('"\\u0061t+jwt"')})))
    for what, typ in {
        "jwt": "JWT", "dpop": "dpop+jwt", "logout": "logout+jwt", "introspection": "token-introspection+jwt", "request-object": "oauth-authz-req+jwt", "set": "secevent+jwt", "client-assertion": "client-authentication+jwt",
        "id-token": "id_token", "at": "at", "suffix": "at+jwt2", "prefix": "xat+jwt", "blank": "at+jwt ", "leading-blank": " at+jwt", "parameter": "at+jwt;v=1", "text-slash": "text/at+jwt", "slash": "/at+jwt",
        "application-twice": "application/application/at+jwt", "application-alone": "application/", "empty": "", "nul": "at+jwt\0", "minus": "at-jwt", "kelvin": "at+\u212awt", "dotless": "at+\u0237wt", "list-text": "at+jwt,JWT", "example": "example/at+jwt",
        "space-plus": "at jwt", "percent": "at%2Bjwt",
    }.items():
        book.token(f"HDR-07.{what}", token(head=header(typ=typ)), "type_mismatch", twin=good)
    book.token("HDR-07.missing", token(head=header(drop=["typ"])), "type_mismatch", twin=good)
    book.token("HDR-07.other-name", token(head=header(drop=["typ"], TYP="at+jwt")), "type_mismatch", twin=good)
    for what, typ in {"number": 1, "null": None, "list": ["at+jwt"], "object": {"at+jwt": 1}, "true": True}.items():
        book.token(f"HDR-07.{what}", token(head=header(typ=typ)), "header_malformed", twin=good)
    required = ["sub"]
    for what, types in {"absent": [None], "jwt": ["JWT"], "either": ["at+jwt", None], "all": ["at+jwt", "JWT", None], "none": []}.items():
        policy = {"base": "fapi", "profile": {"types": types, "required": required}}
        for sent, head in {"at-jwt": header(), "jwt": header(typ="JWT"), "jwt-lower": header(typ="application/jwt"), "absent": header(drop=["typ"]), "dpop": header(typ="dpop+jwt")}.items():
            accepted = {"at-jwt": "at+jwt" in types, "jwt": "JWT" in types, "jwt-lower": "JWT" in types, "absent": None in types, "dpop": False}[sent]
            if accepted:
                book.token(f"HDR-07.profile-{what}-sent-{sent}", token(head=head), policy=policy)
            else:
                book.token(f"HDR-07.profile-{what}-sent-{sent}", token(head=head), "type_mismatch", policy, twin=good)


def compressed_or_flooded(book):
    good = "HDR-01.ES256-good"
    for what, head in {"def": header(zip="DEF"), "null": header(zip=None), "empty": header(zip=""), "unknown": header(zip="br"), "first": {"zip": "DEF"} | header()}.items():
        book.token(f"HDR-08.{what}", token(head=head), "header_compressed", twin=good)
    book.token("HDR-08.escaped", raw_header([*header().items(), (Raw('"z\\u0069p"'), "DEF")]), "header_compressed", twin=good)
    book.token("HDR-08.another-name", raw_header([*header().items(), ("ZIP", "DEF")]))
    for count, expect in {1: "token_not_compact", 2: "json_malformed", 3: "token_not_compact", 4: "token_encrypted", 5: "token_not_compact", 1000: "token_not_compact", 16384: "token_not_compact", 16385: "token_too_large", 1_000_000: "token_too_large"}.items():
        book.token(f"HDR-09.dots-{count}", "." * count, expect, twin=good)
    book.token("HDR-09.dots-behind", token() + "." * 1_000_000, "token_too_large", twin=good)
    book.token("HDR-09.dots-before", "." * 1_000_000 + token(), "token_too_large", twin=good)
    book.token("HDR-09.dots-behind-within-limit", token() + "." * 10_000, "token_not_compact", twin=good)
    book.token("HDR-09.dots-between", alter_segment(token(), 1, lambda s: "." * 2 + s), "token_encrypted", twin=good)
    book.token("HDR-09.other-full-stop", token().replace(".", "\uff0e"), "token_not_compact", twin=good)
    for what, pair in {"empty-header": 0, "empty-payload": 1}.items():
        book.token(f"HDR-09.{what}", alter_segment(token(), pair, lambda _: ""), "json_malformed", twin=good)


def mint():
    book = Book("headers", "Attacks 1.3: the JOSE header and what pretends to be a compact JWS.")
    book.source = "attack table 1.3"
    for part in (critical, unencoded, json_serialization, encrypted_or_nested, repeated, media_types, compressed_or_flooded):
        part(book)
    return [book]
