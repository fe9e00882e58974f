"""Table 1.5: claims. CLM-14, the cache: the runner judges every access token through it too."""

import json

from book import AUDIENCE, CLIENT, FAPI, HOLDER, ISSUER, NOW, THUMBPRINT, Book, Key, Raw, claims, header, issuer_key, members, resigned, token
from signing import sign

DATES = ("exp", "nbf", "iat")


def with_raw(**raw):
    """A good token but for claims given as JSON text."""
    return token(payload=members(claims(drop=raw) | {name: Raw(value) for name, value in raw.items()}))


def wrong_types(book):
    good = book.token("CLM-01.good", token(), output={"claims": claims()})
    for name in DATES:
        for what, raw in {
            "text": f'"{NOW + 300}"', "text-far": '"99999999999"', "null": "null", "true": "true", "false": "false", "list": f"[{NOW}]", "object": "{}", "empty-text": '""', "date": '"2023-11-14T22:13:20Z"', "negative": "-1", "negative-zero": "-0",
            "negative-fraction": "-0.5", "negative-exponent-zero": "-0e10",
        }.items():
            book.token(f"CLM-01.{name}-{what}", with_raw(**{name: raw}), "claim_malformed", twin=good)
    for name in ("iss", "sub", "jti", "client_id", "scope", "acr"):
        for what, raw in {"number": "1", "null": "null", "true": "true", "list": '["a"]', "object": "{}"}.items():
            book.token(f"CLM-01.{name}-{what}", with_raw(**{name: raw}), "claim_malformed", twin=good)
    for what, raw in {"text": f'"{NOW}"', "null": "null", "list": f"[{NOW}]"}.items():
        book.token(f"CLM-01.auth_time-{what}", with_raw(auth_time=raw), "claim_malformed", twin=good)
    for what, raw in {"text": '"a"', "null": "null", "object": "{}", "number": "1"}.items():
        book.token(f"CLM-01.authorization_details-{what}", with_raw(authorization_details=raw), "claim_malformed", twin=good)
    details = [{"type": "payment", "amount": {"value": "1.00", "currency": "EUR"}}]
    book.token("CLM-01.authorization_details-good", token(payload=claims(authorization_details=details)), output={"claims": claims(authorization_details=details)})
    book.token("CLM-01.unknown-claims-of-all-types", token(payload=claims(a=None, b=True, c=[], d={}, e="", f=0, EXP="x", **{"": 1})), output={"claims": claims(a=None, b=True, c=[], d={}, e="", f=0, EXP="x", **{"": 1})})


def expiry(book):
    for leeway in (0, 10, 60):
        policy = "fapi" if leeway == 10 else {"base": "fapi", "leeway": leeway}
        twin = book.token(f"CLM-02.leeway-{leeway}-far", token(payload=claims(exp=NOW + 3600)), policy=policy)
        for offset in sorted({-leeway - 60, -leeway - 1, -leeway, -leeway + 1, -1, 0, 1, leeway}):
            accepted = offset + leeway > 0
            book.token(f"CLM-02.leeway-{leeway}-exp-{offset:+}", token(payload=claims(exp=NOW + offset, iat=NOW - 100)), "ok" if accepted else "token_expired", policy, twin=None if accepted else twin)
        for offset, fraction in ((-leeway, ".5"), (-leeway, ".000001"), (-leeway - 1, ".999999"), (-leeway, ".0")):
            accepted = offset == -leeway and fraction != ".0"
            book.token(f"CLM-02.leeway-{leeway}-exp-{offset:+}{fraction}", with_raw(exp=f"{NOW + offset}{fraction}"), "ok" if accepted else "token_expired", policy, twin=None if accepted else twin)
    good = "CLM-01.good"
    for alg in FAPI:
        book.token(f"CLM-02.{alg}-expired", token(alg, payload=claims(exp=NOW - 11)), "token_expired", twin=book.token(f"CLM-02.{alg}-good", token(alg, payload=claims(exp=NOW - 9))))
    book.token("CLM-02.same-token-later", token(), "token_expired", now=NOW + 310, twin=book.token("CLM-02.same-token-in-time", token(), now=NOW + 309))
    for what, raw in {"zero": "0", "zero-fraction": "0.0", "zero-exponent": "0e9", "tiny": "1e-300", "one": "1", "1970": "86400"}.items():
        book.token(f"CLM-03.{what}", with_raw(exp=raw), "token_expired", twin=good)
    for what, raw in {"minus-zero": "-0", "minus-zero-fraction": "-0.0", "minus-one": "-1", "false": "false", "null": "null", "empty-text": '""', "empty-list": "[]", "minus-far": "-9999999999"}.items():
        book.token(f"CLM-03.{what}", with_raw(exp=raw), "claim_malformed", twin=good)
    book.token("CLM-03.epoch-with-the-clock-there", with_raw(exp="1", iat="0"), now=0)
    book.token("CLM-03.zero-with-the-clock-there", with_raw(exp="0", iat="0"), policy={"base": "fapi", "leeway": 0}, now=0, expect="token_expired", twin="CLM-03.epoch-with-the-clock-there")


def number_forms(book):
    for what, raw in {
        "fraction": f"{NOW}.5", "long-fraction": f"{NOW}.{'3' * 60}", "exponent": "17000003e2", "exponent-plus": "17000003E+2", "exponent-zeros": "17000003e002", "point-and-exponent": "1.7000003e9", "exponent-down": "17000003000e-1",
        "exponent-down-far": f"{NOW + 300}{'0' * 40}e-40", "fraction-up": f"0.{'0' * 20}17000003e30", "zero-exponent": f"{NOW + 300}e0", "minus-zero-exponent": f"{NOW + 300}e-0", "max": "9007199254740992", "max-fraction-zero": "9007199254740992.000", "max-minus-1": "9007199254740991",
        "max-exponent": "9007199254740992e0", "fraction-of-zeros": f"{NOW + 300}.{'0' * 100}", "below-max": "9007199254740991.999",
    }.items():
        book.token(f"CLM-04.{what}", with_raw(exp=raw))
    # Exactly at the edge, where a binary fraction would round: valid only while now < exp + leeway.
    for what, raw, expect in [
        ("edge-exponent-in", f"{NOW - 9}0e-1", "ok"), ("edge-exponent-out", f"{NOW - 10}0e-1", "token_expired"), ("edge-hair-in", f"{NOW - 10}.{'0' * 30}1", "ok"), ("edge-hair-out", f"{NOW - 11}.{'9' * 30}", "token_expired"), ("edge-point", f"{(NOW - 10) / 10:.1f}e1", "token_expired"),
    ]:
        book.token(f"CLM-04.{what}", with_raw(exp=raw), expect, twin=None if expect == "ok" else "CLM-04.edge-exponent-in")
    for name in DATES:
        for what, raw in {
            "1e400": "1e400", "1e19": "1e19", "1e16": "1e16", "2-64": "18446744073709551616", "u64-max": "18446744073709551615", "i64-max": "9223372036854775807", "i64-max-plus-1": "9223372036854775808", "2-53-plus-1": "9007199254740993", "2-53-and-a-hair": "9007199254740992.0000001",
            "huge-exponent": "1e99999999999999999999", "huge-digits": "9" * 400, "2-63-fraction": "9223372036854775808.5", "minus-i64": "-9223372036854775808", "minus-1e400": "-1e400", "wraps-to-good": str(2**64 + NOW + 300), "wraps-32": None,
        }.items():
            if raw is None:
                continue
            book.token(f"CLM-05.{name}-{what}", with_raw(**{name: raw}), "claim_malformed", twin="CLM-01.good")
    for leeway in (0, 2**32 - 1, 2**53, 2**63 - 1, 2**63):
        policy = {"base": "fapi", "leeway": leeway}
        twin = book.token(f"CLM-05.leeway-{leeway}-max", with_raw(exp="9007199254740992"), policy=policy)
        book.token(f"CLM-05.leeway-{leeway}-beyond", with_raw(exp="9223372036854775807"), "claim_malformed", policy, twin=twin)
    book.token("CLM-05.clock-at-2-53", with_raw(exp="9007199254740992"), policy={"base": "fapi", "leeway": 1}, now=2**53)
    book.token("CLM-05.clock-beyond", with_raw(exp="9007199254740992"), "token_expired", {"base": "fapi", "leeway": 0}, now=2**53, twin="CLM-05.clock-at-2-53")
    book.token("CLM-05.clock-at-the-end", token(), "token_expired", now=2**63 - 1, twin="CLM-01.good")
    book.token("CLM-05.year-2038", token(payload=claims(exp=2**31 + 60, iat=2**31 - 60)), now=2**31)
    book.token("CLM-05.year-2106", token(payload=claims(exp=2**32 + 60, iat=2**32 - 60)), now=2**32)
    for name in DATES:
        for what, raw in {
            "nan": "NaN", "infinity": "Infinity", "minus-infinity": "-Infinity", "hex": "0x6553F100", "octal": "0o17", "leading-zero": f"0{NOW}", "plus": f"+{NOW}", "dot-first": ".5", "dot-last": f"{NOW}.", "underscore": "1_700_000_000", "comma": "1,700,000", "exponent-empty": "17e", "exponent-dot": "17e1.5",
            "two-dots": "17.0.0", "minus-alone": "-", "suffix": f"{NOW}n", "space-inside": "17 00", "wide-digits": "\uff11\uff17",
        }.items():
            book.token(f"CLM-06.{name}-{what}", with_raw(**{name: raw}), "json_malformed", twin="CLM-01.good")


def repeated_claims(book):
    good = "CLM-01.good"
    for name in claims():
        value = json.dumps(claims()[name], separators=(",", ":"))
        book.token(f"CLM-07.{name}", token(payload=members([*claims().items(), (name, Raw(value))])), "json_member_repeated", twin=good)
        escaped = Raw('"' + "".join(f"\\u{ord(c):04x}" for c in name) + '"')
        book.token(f"CLM-07.{name}-escaped", token(payload=members([*claims().items(), (escaped, Raw(value))])), "json_member_repeated", twin=good)
    for what, pairs in {
        "exp-far-first": [("exp", NOW + 9**9), *claims().items()], "exp-expired-last": [*claims().items(), ("exp", 1)], "exp-wrong-type-last": [*claims().items(), ("exp", "x")], "cnf-inside": [*claims(drop=["cnf"]).items(), ("cnf", Raw(f'{{"x5t#S256":"{THUMBPRINT}","x5t#S256":"{THUMBPRINT}"}}'))],
        "cnf-inside-escaped": [*claims(drop=["cnf"]).items(), ("cnf", Raw(f'{{"x5t#S256":"{THUMBPRINT}","x5t\\u0023S256":"{THUMBPRINT}"}}'))], "nested-elsewhere": [("x", Raw('{"y":{"z":1,"z":1}}')), *claims().items()],
    }.items():
        book.token(f"CLM-07.{what}", token(payload=members(pairs)), "json_member_repeated", twin=good)


def audiences(book):
    good = "CLM-01.good"
    for what, aud in {"text": AUDIENCE, "list": [AUDIENCE], "list-first": [AUDIENCE, "https://other.example"], "list-last": ["https://other.example", "x", AUDIENCE], "list-twice": [AUDIENCE, AUDIENCE], "list-with-empty": ["", AUDIENCE]}.items():
        book.token(f"CLM-08.{what}-good", token(payload=claims(aud=aud)), output={"claims": claims(aud=aud)})
    book.token("CLM-08.escaped-good", with_raw(aud='"https:\\/\\/api.example.com\\u002faccounts"'))
    for what, raw in {
        "empty-list": "[]", "list-in-list": f'[["{AUDIENCE}"]]', "object": f'{{"{AUDIENCE}":1}}', "number-in-list": f'[1,"{AUDIENCE}"]', "number-behind": f'["{AUDIENCE}",1]', "null-in-list": f'["{AUDIENCE}",null]', "object-in-list": f'["{AUDIENCE}",{{}}]', "null": "null", "number": "1", "true": "true",
        "list-text-in-object": f'{{"aud":["{AUDIENCE}"]}}',
    }.items():
        book.token(f"CLM-08.{what}", with_raw(aud=raw), "claim_malformed", twin=good)
    for what, aud in {
        "prefix": AUDIENCE[:-1], "suffix": AUDIENCE + "s", "path-below": AUDIENCE + "/7", "trailing-slash": AUDIENCE + "/", "comma-list": f"{AUDIENCE},https://other.example", "space-list": f"{AUDIENCE} https://other.example", "json-list": json.dumps([AUDIENCE]), "upper": AUDIENCE.upper(), "scheme": AUDIENCE.replace("https", "http"),
        "port": AUDIENCE.replace(".com", ".com:443"), "host-upper": AUDIENCE.replace("api", "API"), "homoglyph": AUDIENCE.replace("a", "\u0430", 1), "empty": "", "blank": " ", "leading-blank": " " + AUDIENCE, "trailing-blank": AUDIENCE + " ", "star": "*", "client": CLIENT, "issuer": ISSUER, "query": AUDIENCE + "?", "fragment": AUDIENCE + "#",
        "percent": AUDIENCE.replace("accounts", "%61ccounts"), "dot-segment": AUDIENCE.replace("/accounts", "/./accounts"), "other": "https://other.example", "list-others": ["https://other.example", AUDIENCE + "/"], "list-empty-text": [""], "inside": f"x{AUDIENCE}x", "userinfo": AUDIENCE.replace("api", "a@api"), "half": AUDIENCE[: len(AUDIENCE) // 2],
        "nfc-twin": AUDIENCE.replace("o", "o\u0301", 1), "zero-width": AUDIENCE + "\u200b", "wide": AUDIENCE.replace("c", "\uff43", 1),
    }.items():
        book.token(f"CLM-08.{what}", token(payload=claims(aud=aud)), "audience_mismatch", twin=good)
    several = {"base": "fapi", "audience": [AUDIENCE, "https://api.example.com/payments", "urn:example:api"]}
    for what, aud in {"first": AUDIENCE, "second": "https://api.example.com/payments", "third": ["x", "urn:example:api"], "two": ["urn:example:api", AUDIENCE]}.items():
        book.token(f"CLM-08.several-{what}", token(payload=claims(aud=aud)), policy=several)
    for what, aud in {"none": ["x", "y"], "joined": f"{AUDIENCE},urn:example:api"}.items():
        book.token(f"CLM-08.several-{what}", token(payload=claims(aud=aud)), "audience_mismatch", several, twin="CLM-08.several-first")
    pattern = {"base": "fapi", "audience": "https://api.example.com/.*"}
    for what, aud in {"dot-star": "https://api.example.com/accounts", "dot-any": "https://apixexample.com/.*", "caret": "^https://api.example.com/.*$"}.items():
        book.token(f"CLM-15.policy-{what}", token(payload=claims(aud=aud)), "audience_mismatch", pattern, twin="CLM-15.policy-literal")
    book.token("CLM-15.policy-literal", token(payload=claims(aud="https://api.example.com/.*")), policy=pattern)
    for what, aud in {"dot-any": AUDIENCE.replace(".", "x", 1), "token-pattern": "https://api.example.com/.*", "token-all": ".*", "catastrophic": "a" * 2000 + "!", "alternation": f"({AUDIENCE}|x)", "anchors": f"^{AUDIENCE}$"}.items():
        book.token(f"CLM-15.{what}", token(payload=claims(aud=aud)), "audience_mismatch", twin=good)


def issuers(book):
    good = "CLM-01.good"
    for what, iss in {
        "prefix": ISSUER[:-1], "suffix": ISSUER + "m", "trailing-slash": ISSUER + "/", "path": ISSUER + "/realm", "upper": ISSUER.upper(), "host-upper": "https://AS.example.com", "scheme": "http://as.example.com", "scheme-upper": "HTTPS://as.example.com", "port": ISSUER + ":443", "inside": f"https://evil.example/?{ISSUER}",
        "userinfo": "https://as.example.com@evil.example", "sub-domain": "https://as.example.com.evil.example", "parent": "https://example.com", "empty": "", "blank": ISSUER + " ", "homoglyph": ISSUER.replace("a", "\u0430", 1), "dot": "https://as.example.com.", "query": ISSUER + "?", "fragment": ISSUER + "#", "percent": "https://%61s.example.com", "without-scheme": "as.example.com",
        "other": "https://other.example.com", "comma": f"{ISSUER},https://other.example.com", "newline": ISSUER + "\n", "bom": "\ufeff" + ISSUER,
    }.items():
        book.token(f"CLM-09.{what}", token(payload=claims(iss=iss)), "issuer_mismatch", twin=good)
    book.token("CLM-09.list", token(payload=claims(iss=[ISSUER])), "claim_malformed", twin=good)
    book.token("CLM-09.escaped-good", with_raw(iss='"https:\\/\\/as.example\\u002ecom"'))
    slash = {"base": "fapi", "issuer": ISSUER + "/"}
    twin = book.token("CLM-09.policy-slash-good", token(payload=claims(iss=ISSUER + "/")), policy=slash)
    book.token("CLM-09.policy-slash", token(), "issuer_mismatch", slash, twin=twin)
    for name in ("issuer", "audience"):
        book.token(f"CLM-09.unset-{name}", token(payload=claims(**{{"issuer": "iss", "audience": "aud"}[name]: ""})), f"{name}_unset", {"base": "fapi", name: ""}, twin=good)
    book.token("CLM-09.unset-among-audiences", token(payload=claims(aud="")), "audience_unset", {"base": "fapi", "audience": [AUDIENCE, ""]}, twin=good)


def presence(book):
    slugs = {
        "iss": "issuer_missing", "aud": "audience_missing", "exp": "expiry_missing", "sub": "subject_missing", "client_id": "client_id_missing", "iat": "issued_at_missing", "jti": "jwt_id_missing", "cnf": "confirmation_missing",
    }
    for alg in FAPI:
        good = book.token(f"CLM-10.{alg}-good", token(alg))
        for name, slug in slugs.items():
            book.token(f"CLM-10.{alg}-without-{name}", token(alg, payload=claims(drop=[name])), slug, twin=good)
    book.token("CLM-10.without-scope", token(payload=claims(drop=["scope"])))
    book.token("CLM-10.without-all", token(payload={}), "issuer_missing", twin="CLM-10.ES256-good")
    for name in slugs:
        book.token(f"CLM-10.capital-{name}", token(payload=claims(drop=[name], **{name.upper(): claims()[name]})), slugs[name], twin="CLM-10.ES256-good")
    older = {"base": "fapi", "profile": {"types": ["at+jwt", "JWT", None], "required": []}}
    for name in ("sub", "client_id", "iat", "jti"):
        book.token(f"CLM-10.older-without-{name}", token(payload=claims(drop=[name])), policy=older)
    book.token("CLM-10.older-bare", token(head=header(drop=["typ"]), payload=claims(drop=["sub", "client_id", "iat", "jti", "scope"])), policy=older)
    for name in ("iss", "aud", "exp", "cnf"):
        book.token(f"CLM-10.older-without-{name}", token(payload=claims(drop=[name])), slugs[name], older, twin="CLM-10.older-bare")
    for name, slug in [("sub", "subject_missing"), ("client_id", "client_id_missing"), ("iat", "issued_at_missing"), ("jti", "jwt_id_missing"), ("nbf", "claim_missing"), ("tenant", "claim_missing"), ("scope", "claim_missing"), ("authorization_details", "claim_missing")]:
        policy = {"base": "fapi", "profile": {"types": ["at+jwt"], "required": [name]}}
        values = {"nbf": NOW, "tenant": "t", "authorization_details": []}
        twin = book.token(f"CLM-10.required-{name}-good", token(payload=claims(**({name: values[name]} if name in values else {}))), policy=policy)
        book.token(f"CLM-10.required-{name}", token(payload=claims(drop=[name])), slug, policy, twin=twin)
    escaped = {"base": "fapi", "profile": {"types": ["at+jwt"], "required": ["tenant"]}}
    book.token("CLM-10.required-escaped-good", token(payload=members([*claims().items(), (Raw('"t\\u0065nant"'), 1)])), policy=escaped)
    book.token("CLM-10.required-nested", token(payload=claims(x={"tenant": 1})), "claim_missing", escaped, twin="CLM-10.required-escaped-good")


def ahead(book):
    slugs = {"nbf": "token_not_yet_valid", "iat": "token_issued_ahead"}
    for name, slug in slugs.items():
        twin = f"CLM-11.{name}-+0"
        for offset in (-3600, -61, -1, 0, 1, 8, 9, 10, 11, 30, 61, 3600, 10**8):
            book.token(f"CLM-11.{name}-{offset:+}", token(payload=claims(**{name: NOW + offset, "exp": NOW + offset + 3600 if offset > 0 else NOW + 300})), "ok" if offset <= 10 else slug, twin=None if offset <= 10 else twin)
        for what, raw, accepted in [("+9.5", f"{NOW + 9}.5", True), ("+10.0", f"{NOW + 10}.0", True), ("+10.000001", f"{NOW + 10}.000001", False), ("+10.5", f"{NOW + 10}.5", False), ("exponent", f"{NOW // 100}e2", True)]:
            book.token(f"CLM-11.{name}-{what}", with_raw(**{name: raw}), "ok" if accepted else slug, twin=None if accepted else twin)
        for leeway, offset in ((0, 0), (0, 1), (60, 60), (60, 61)):
            accepted = offset <= leeway
            book.token(f"CLM-11.{name}-leeway-{leeway}-{offset:+}", token(payload=claims(**{name: NOW + offset})), "ok" if accepted else slug, {"base": "fapi", "leeway": leeway}, twin=None if accepted else f"CLM-11.{name}-leeway-{leeway}-+{leeway}")
    book.token("CLM-11.nbf-behind-exp", token(payload=claims(nbf=NOW + 5, exp=NOW + 1)))


def confirmations(book):
    good = "CLM-01.good"
    jkt = Key("client-es").thumbprint()
    bad = {
        "null": "null", "text": f'"{THUMBPRINT}"', "list": "[]", "empty": "{}", "number": "1", "x5t-number": '{"x5t#S256":1}', "x5t-null": '{"x5t#S256":null}', "x5t-list": f'{{"x5t#S256":["{THUMBPRINT}"]}}', "x5t-empty": '{"x5t#S256":""}', "x5t-padded": f'{{"x5t#S256":"{THUMBPRINT}="}}', "x5t-cut": f'{{"x5t#S256":"{THUMBPRINT[:-1]}"}}',
        "x5t-long": f'{{"x5t#S256":"{THUMBPRINT}A"}}', "x5t-hex": '{"x5t#S256":"' + "ab" * 32 + '"}', "x5t-blank": f'{{"x5t#S256":" {THUMBPRINT}"}}', "jkt-number": '{"jkt":1}', "jkt-padded": f'{{"jkt":"{jkt}="}}', "jkt-empty": '{"jkt":""}', "jkt-null": '{"jkt":null}', "jkt-object": '{"jkt":{}}', "jkt-cut": f'{{"jkt":"{jkt[:22]}"}}', "jkt-newline": f'{{"jkt":"{jkt}\\n"}}',
    }
    for what, raw in bad.items():
        book.token(f"CLM-12.{what}", with_raw(cnf=raw), "confirmation_malformed", twin=good)
        book.token(f"CLM-12.{what}-where-optional", with_raw(cnf=raw), "confirmation_malformed", {"base": "fapi", "binding": "optional"}, twin=good)
    unknown = {
        "both": {"x5t#S256": THUMBPRINT, "jkt": jkt}, "both-reversed": {"jkt": jkt, "x5t#S256": THUMBPRINT}, "jwk": {"jwk": Key("client-es").jwk()}, "kid": {"kid": "es"}, "jwe": {"jwe": "x"}, "jku": {"jku": "https://attacker.example"}, "x5t": {"x5t": THUMBPRINT}, "x5t-s512": {"x5t#S512": THUMBPRINT}, "case": {"x5t#s256": THUMBPRINT}, "jkt-case": {"JKT": jkt},
        "x5t-and-unknown": {"x5t#S256": THUMBPRINT, "osc": {}}, "unknown-first": {"tbh": "x", "x5t#S256": THUMBPRINT},
    }
    for what, cnf in unknown.items():
        book.token(f"CLM-12.unknown-{what}", token(payload=claims(cnf=cnf)), "confirmation_unknown", twin=good)
    book.token("CLM-12.escaped-good", with_raw(cnf=f'{{"x5t\\u0023S256":"{THUMBPRINT}"}}'))
    optional = {"base": "fapi", "binding": "optional"}
    for binding in ("required", "mtls", "dpop"):
        book.token(f"CLM-12.unbound-where-{binding}", token(payload=claims(drop=["cnf"])), "confirmation_missing", {"base": "fapi", "binding": binding}, presenter="bearer", twin="CLM-12.unbound-where-optional")
    book.token("CLM-12.unbound-where-optional", token(payload=claims(drop=["cnf"])), policy=optional, presenter="bearer")
    book.token("CLM-12.unbound-where-optional-with-certificate", token(payload=claims(drop=["cnf"])), policy=optional)
    book.token("CLM-12.bound-where-optional-bearer", token(), "certificate_missing", optional, presenter="bearer", twin="CLM-12.unbound-where-optional")
    book.token("CLM-12.cnf-inside-another-claim", token(payload=claims(drop=["cnf"], act={"cnf": claims()["cnf"]})), "confirmation_missing", twin=good)


def mixed_faults(book):
    """CLM-13: what a forger got right is not told; the cheap checks come first (see the order in README.md)."""
    other = Key("attacker-es")
    good = "CLM-01.good"
    book.token("CLM-13.expired", token(payload=claims(exp=NOW - 60)), "token_expired", twin=good)
    book.token("CLM-13.expired-and-forged", token(payload=claims(exp=NOW - 60), key=other), "token_expired", twin=good)
    book.token("CLM-13.forged", token(key=other), "signature_invalid", twin=good)
    book.token("CLM-13.forged-and-another-audience", token(payload=claims(aud="x"), key=other), "audience_mismatch", twin=good)
    book.token("CLM-13.forged-and-no-scope", token(payload=claims(scope=""), key=other), "signature_invalid", {"base": "fapi", "scopes": ["accounts"]}, twin="CLM-13.scope-good")
    book.token("CLM-13.scope-good", token(), policy={"base": "fapi", "scopes": ["accounts"]})


def demands(book):
    book.source = "RFC 6750 section 3.1, RFC 9470"
    wanted = {"base": "fapi", "scopes": ["accounts"]}
    twin = book.token("scope.one-good", token(), policy=wanted)
    for what, scope in {"alone": "accounts", "last": "payments accounts", "first": "accounts x y", "twice": "accounts accounts", "double-space": "payments  accounts", "trailing-space": "accounts "}.items():
        book.token(f"scope.{what}-good", token(payload=claims(scope=scope)), policy=wanted)
    for what, scope in {"empty": "", "other": "payments", "prefix": "account", "suffix": "accounts2", "case": "Accounts", "comma": "accounts,payments", "tab": "accounts\tpayments", "newline": "accounts\npayments", "star": "*", "colon": "accounts:read", "homoglyph": "\u0430ccounts", "blank": " ", "nbsp": "accounts\u00a0payments"}.items():
        book.token(f"scope.{what}", token(payload=claims(scope=scope)), "scope_insufficient", wanted, twin=twin)
    book.token("scope.absent", token(payload=claims(drop=["scope"])), "scope_insufficient", wanted, twin=twin)
    book.token("scope.list", token(payload=claims(scope=["accounts"])), "claim_malformed", wanted, twin=twin)
    book.token("scope.escaped-good", with_raw(scope='"p \\u0061ccounts"'), policy=wanted)
    both = {"base": "fapi", "scopes": ["accounts", "payments"]}
    twin = book.token("scope.two-good", token(payload=claims(scope="payments x accounts")), policy=both)
    book.token("scope.two-one", token(payload=claims(scope="accounts")), "scope_insufficient", both, twin=twin)
    level = {"base": "fapi", "acr_values": ["urn:example:gold", "urn:example:silver"]}
    for acr in level["acr_values"]:
        twin = book.token(f"acr.{acr[12:]}-good", token(payload=claims(acr=acr)), policy=level)
    for what, acr in {"other": "urn:example:bronze", "empty": "", "joined": "urn:example:gold urn:example:silver", "prefix": "urn:example:gol", "case": "URN:example:gold"}.items():
        book.token(f"acr.{what}", token(payload=claims(acr=acr)), "authentication_context", level, twin=twin)
    book.token("acr.absent", token(), "authentication_context", level, twin=twin)
    age = {"base": "fapi", "max_age": 300}
    twin = "auth_time.-300"
    for offset in (-10**6, -400, -311, -310, -300, -1, 0, 10, 11, 3600):
        accepted = -310 <= offset <= 10
        book.token(f"auth_time.{offset}", token(payload=claims(auth_time=NOW + offset)), "ok" if accepted else "authentication_age", age, twin=None if accepted else twin)
    book.token("auth_time.absent", token(), "authentication_age", age, twin=twin)
    everything = {"base": "fapi", "scopes": ["x"], "acr_values": ["y"], "max_age": 1}
    twin = book.token("demands.all-good", token(payload=claims(scope="x", acr="y", auth_time=NOW)), policy=everything)
    book.token("demands.all-wrong", token(), "scope_insufficient", everything, twin=twin)
    book.token("demands.acr-and-age-wrong", token(payload=claims(scope="x")), "authentication_context", everything, twin=twin)


def mint():
    book = Book("claims", "Attacks 1.5: claims, times, audiences and what a resource demands.")
    book.source = "attack table 1.5"
    for part in (wrong_types, expiry, number_forms, repeated_claims, audiences, issuers, presence, ahead, confirmations, mixed_faults, demands):
        part(book)
    return [book]
