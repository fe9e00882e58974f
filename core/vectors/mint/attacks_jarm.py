"""Table 1.9: JARM responses, as the client that asked for one judges them."""

import json

from book import ALL, CLIENT, FAPI, ISSUER, KEYS, NOW, SETS, Book, Key, Raw, alter_segment, changed, issuer_jwk, issuer_key, jws, members, policy_for
from encoding import b64u, text
from signing import octets, sign, signing_input

STATE = "af0ifjsldkj"
BASE = {"issuer": ISSUER, "client_id": CLIENT, "state": STATE}
POLICIES = {
    "fapi": BASE | {"algorithms": FAPI, "jwks": "fapi"},
    "RS256": BASE | {"algorithms": ["RS256"], "jwks": "RS256"},
    "Ed25519": BASE | {"algorithms": ["Ed25519"], "jwks": "Ed25519"},
}
CODE = "SplxlOBeZQQYbYS6WxSbIA"


def header(alg="ES256", /, drop=(), **change):
    return changed({"alg": alg, "kid": KEYS[alg][0]}, drop, **change)


def claims(drop=(), **change):
    return changed({"iss": ISSUER, "aud": CLIENT, "exp": NOW + 300, "code": CODE, "state": STATE}, drop, **change)


def error_claims(drop=(), **change):
    return changed({"iss": ISSUER, "aud": CLIENT, "exp": NOW + 300, "error": "access_denied", "error_description": "no", "state": STATE}, drop, **change)


def response(alg="ES256", head=None, payload=None, key=None):
    return jws(header(alg) if head is None else head, claims() if payload is None else payload, key or issuer_key(alg), alg)


def add(book, identifier, value, expect="ok", policy="fapi", **more):
    return book.add(identifier, "jarm", {"response": text(value)}, expect, policy, **more)


def query(book, identifier, value, expect="ok", policy="fapi", **more):
    return book.add(identifier, "jarm", {"query": value}, expect, policy, **more)


def with_raw(**raw):
    return response(payload=members(claims(drop=raw) | {name: Raw(value) for name, value in raw.items()}))


def issuer_audience_time(book):
    for alg in ALL:
        policy = policy_for(alg)
        good = add(book, f"JRM-01.{alg}-code", response(alg), policy=policy, output={"code": CODE})
        add(book, f"JRM-01.{alg}-error", response(alg, payload=error_claims()), policy=policy, output={"error": "access_denied"})
        refuse = lambda what, payload, expect: add(book, f"JRM-01.{alg}-{what}", response(alg, payload=payload), expect, policy, twin=good)
        refuse("without-iss", claims(drop=["iss"]), "response_issuer")
        refuse("without-aud", claims(drop=["aud"]), "response_audience")
        refuse("without-exp", claims(drop=["exp"]), "response_expired")
        refuse("iss-slash", claims(iss=ISSUER + "/"), "response_issuer")
        refuse("aud-other", claims(aud="client-8"), "response_audience")
        refuse("expired", claims(exp=NOW - 11), "response_expired")
        add(book, f"JRM-01.{alg}-forged", response(alg, key=Key({"ES256": "attacker-es", "PS256": "attacker-ps", "RS256": "attacker-ps"}.get(alg, "attacker-ed"))), "signature_invalid", policy, twin=good)
    good = "JRM-01.ES256-code"
    for what, value in {"upper": ISSUER.upper(), "prefix": ISSUER[:-1], "suffix": ISSUER + "x", "empty": "", "blank": ISSUER + " ", "http": ISSUER.replace("https", "http"), "port": ISSUER + ":443", "nul": ISSUER + "\0"}.items():
        add(book, f"JRM-01.iss-{what}", response(payload=claims(iss=value)), "response_issuer", twin=good)
    for what, value in {"prefix": CLIENT[:-1], "suffix": CLIENT + "7", "upper": CLIENT.upper(), "empty": "", "issuer": ISSUER, "list-others": ["x", "y"], "comma": f"{CLIENT},x", "blank": " " + CLIENT}.items():
        add(book, f"JRM-01.aud-{what}", response(payload=claims(aud=value)), "response_audience", twin=good)
    for what, value in {"list": [CLIENT], "list-of-two": ["x", CLIENT]}.items():
        add(book, f"JRM-01.aud-{what}-good", response(payload=claims(aud=value)), output={"code": CODE})
    for name in ("iss", "aud"):
        for what, raw in {"number": "1", "null": "null", "object": "{}", "list-in-list": '[["client-7"]]', "empty-list": "[]"}.items():
            add(book, f"JRM-01.{name}-{what}", with_raw(**{name: raw}), "response_claim_malformed", twin=good)
    for what, raw in {"text": f'"{NOW + 300}"', "null": "null", "negative": "-1", "1e400": "1e400", "false": "false", "list": f"[{NOW}]"}.items():
        add(book, f"JRM-01.exp-{what}", with_raw(exp=raw), "response_claim_malformed", twin=good)
    for offset in (-60, -11, -10, -9, -1, 0, 1, 10, 60, 600):
        accepted = offset > -10
        add(book, f"JRM-01.exp{offset:+}", response(payload=claims(exp=NOW + offset)), "ok" if accepted else "response_expired", twin=None if accepted else good)
    for what, raw, accepted in [("fraction-in", f"{NOW - 10}.5", True), ("fraction-out", f"{NOW - 11}.5", False), ("exponent", "17000003e2", True)]:
        add(book, f"JRM-01.exp-{what}", with_raw(exp=raw), "ok" if accepted else "response_expired", twin=None if accepted else good)
    add(book, "JRM-01.same-response-later", response(), "response_expired", now=NOW + 310, twin=add(book, "JRM-01.same-response-in-time", response(), now=NOW + 309))
    add(book, "JRM-01.iat-good", response(payload=claims(iat=NOW, jti="x", nbf=NOW)), output={"code": CODE})
    for what, name in {"issuer": "issuer", "client": "client_id"}.items():
        add(book, f"JRM-01.unset-{what}", response(), f"{name}_unset", {"base": "fapi", name: ""}, twin=good)


def states(book):
    good = add(book, "JRM-02.good", response(), output={"code": CODE})
    for what, value in {"other": "other", "prefix": STATE[:-1], "suffix": STATE + "x", "upper": STATE.upper(), "blank": STATE + " ", "nul": STATE + "\0", "escaped-percent": "%61f0ifjsldkj", "newline": STATE + "\n", "first": STATE[0], "homoglyph": STATE.replace("a", "\u0430")}.items():
        add(book, f"JRM-02.{what}", response(payload=claims(state=value)), "response_state", twin=good)
        add(book, f"JRM-02.error-{what}", response(payload=error_claims(state=value)), "response_state", twin="JRM-01.ES256-error")
    for alg in FAPI:
        add(book, f"JRM-02.{alg}-missing", response(alg, payload=claims(drop=["state"])), "response_state", twin=f"JRM-01.{alg}-code")
        add(book, f"JRM-02.{alg}-error-missing", response(alg, payload=error_claims(drop=["state"])), "response_state", twin=f"JRM-01.{alg}-error")
    for what, raw in {"number": "7", "null": "null", "list": f'["{STATE}"]', "object": "{}", "true": "true", "empty": '""'}.items():
        add(book, f"JRM-02.{what}", with_raw(state=raw), "response_claim_malformed", twin=good)
    numeric = {"base": "fapi", "state": "7"}
    twin = add(book, "JRM-02.numeric-text-good", response(payload=claims(state="7")), policy=numeric)
    add(book, "JRM-02.numeric", response(payload=claims(state=7)), "response_claim_malformed", numeric, twin=twin)
    none = {"base": "fapi", "state": None}
    twin = add(book, "JRM-02.none-sent-good", response(payload=claims(drop=["state"])), policy=none, output={"code": CODE})
    add(book, "JRM-02.none-sent-one-came", response(), "response_state", none, twin=twin)
    add(book, "JRM-02.empty-configured", response(payload=claims(drop=["state"])), "state_unset", {"base": "fapi", "state": ""}, twin=twin)
    odd = "\u20ac \"\\/\U0001f511"
    add(book, "JRM-02.odd-characters-good", response(payload=claims(state=odd)), policy={"base": "fapi", "state": odd})
    add(book, "JRM-02.escaped-good", with_raw(state='"\\u0061f0ifjsldkj"'))


def mixed_up(book):
    good = add(book, "JRM-03.good", response())
    other = Key("other-issuer-es")
    theirs = claims(iss="https://other.example.com")
    add(book, "JRM-03.other-server", response(payload=theirs, key=other), "response_issuer", twin=good)
    add(book, "JRM-03.other-server-our-key", response(payload=theirs), "response_issuer", twin=good)
    add(book, "JRM-03.other-server-claims-to-be-ours", response(key=other), "signature_invalid", twin=good)
    add(book, "JRM-03.other-server-own-kid", response(head=header(kid="other"), key=other), "key_unknown", twin=good)
    add(book, "JRM-03.for-another-client", response(payload=claims(aud="attacker")), "response_audience", twin=good)
    policy = {"base": "fapi", "issuer": "https://other.example.com", "jwks": {"keys": [other.jwk(kid="es", alg="ES256")]}}
    twin = add(book, "JRM-03.at-the-other-server-good", response(payload=theirs, key=other), policy=policy)
    add(book, "JRM-03.ours-at-the-other-server", response(), "response_issuer", policy, twin=twin)


def outcomes(book):
    good = add(book, "JRM-04.good", response())
    for alg in FAPI:
        for what, payload, expect in [("both", claims(error="access_denied"), "response_ambiguous"), ("neither", claims(drop=["code"]), "response_empty"), ("description-alone", claims(drop=["code"], error_description="x"), "response_empty")]:
            add(book, f"JRM-04.{alg}-{what}", response(alg, payload=payload), expect, twin=f"JRM-01.{alg}-code")
    for name in ("code", "error"):
        base = claims() if name == "code" else error_claims()
        twin = good if name == "code" else "JRM-01.ES256-error"
        for what, raw in {"empty": '""', "null": "null", "number": "1", "list": '["x"]', "object": "{}", "false": "false"}.items():
            add(book, f"JRM-04.{name}-{what}", response(payload=members(base | {name: Raw(raw)})), "response_claim_malformed", twin=twin)
        add(book, f"JRM-04.{name}-repeated", response(payload=members([*base.items(), (name, "other")])), "json_member_repeated", twin=twin)
        add(book, f"JRM-04.{name}-repeated-escaped", response(payload=members([*base.items(), (Raw('"' + "".join(f"\\u{ord(c):04x}" for c in name) + '"'), "other")])), "json_member_repeated", twin=twin)
    for name in ("error_description", "error_uri"):
        for what, raw in {"number": "1", "list": "[]", "null": "null"}.items():
            add(book, f"JRM-04.{name}-{what}", response(payload=members(error_claims(drop=[name]) | {name: Raw(raw)})), "response_claim_malformed", twin="JRM-01.ES256-error")
    add(book, "JRM-04.error-with-uri-good", response(payload=error_claims(error_uri="https://as.example.com/e")), output={"error": "access_denied"})
    add(book, "JRM-04.unknown-claims-good", response(payload=claims(session_state="x", scope=1, x=None)), output={"code": CODE})
    add(book, "JRM-04.empty-payload", response(payload="{}"), "response_issuer", twin=good)
    add(book, "JRM-04.list-payload", response(payload="[]"), "json_not_object", twin=good)
    for name in ("iss", "aud", "exp", "state"):
        add(book, f"JRM-04.{name}-repeated", response(payload=members([*claims().items(), (name, claims()[name])])), "json_member_repeated", twin=good)


def shapes(book):
    for alg in FAPI:
        good = f"JRM-01.{alg}-code"
        refuse = lambda what, value, expect: add(book, f"JRM-05.{alg}-{what}", value, expect, twin=good)
        refuse("none", signing_input(header(alg, alg="none"), claims()) + ".", "algorithm_refused")
        refuse("none-leftover-signature", alter_segment(response(alg), 0, lambda _: b64u(octets(header(alg, alg="none")))), "algorithm_refused")
        refuse("hs256", jws(header(alg, alg="HS256"), claims(), b"client secret of thirty-two octets", "HS256"), "algorithm_refused")
        refuse("hs256-with-the-jwk", jws(header(alg, alg="HS256"), claims(), json.dumps(issuer_jwk(alg)).encode(), "HS256"), "algorithm_refused")
        refuse("empty-signature", response(alg).rpartition(".")[0] + ".", "signature_length")
        attacker = Key({"ES256": "attacker-es", "PS256": "attacker-ps", "EdDSA": "attacker-ed"}[alg])
        refuse("jwk-header", response(alg, header(alg, jwk=attacker.jwk()), key=attacker), "signature_invalid")
        refuse("jku-header", response(alg, header(alg, kid="x", jku="https://attacker.example"), key=attacker), "key_unknown")
        add(book, f"JRM-05.{alg}-jwk-header-ignored", response(alg, header(alg, jwk=attacker.jwk())), output={"code": CODE})
        refuse("payload-changed", alter_segment(response(alg), 1, lambda _: b64u(octets(claims(code="other")))), "signature_invalid")
        refuse("at-jwt", response(alg, header(alg, typ="at+jwt")), "response_type")
        for other in (listed for listed in FAPI if listed != alg):
            refuse(f"called-{other}", response(alg, header(alg, alg=other)), "key_algorithm_mismatch")
        for what, typ in {"jwt": "JWT", "lower": "jwt", "application": "application/jwt"}.items():
            add(book, f"JRM-05.{alg}-typ-{what}-good", response(alg, header(alg, typ=typ)), output={"code": CODE})
    good = "JRM-01.ES256-code"
    for what, typ in {"dpop": "dpop+jwt", "introspection": "token-introspection+jwt", "request": "oauth-authz-req+jwt", "logout": "logout+jwt", "application-at": "application/at+jwt", "empty": "", "unknown": "x"}.items():
        add(book, f"JRM-05.typ-{what}", response(head=header(typ=typ)), "response_type", twin=good)
    value = response()
    for what, changed_value, expect in [
        ("jwe", ".".join([b64u('{"alg":"RSA-OAEP-256","enc":"A256GCM"}'), "AAAA", "AAAA", "AAAA", "AAAA"]), "token_encrypted"), ("two-segments", value.rpartition(".")[0], "token_not_compact"), ("four-segments", value + ".AAAA", "token_not_compact"), ("nothing", "", "token_not_compact"), ("padded", value + "=", "base64url_malformed"), ("newline", value + "\n", "base64url_malformed"),
        ("crit", response(head=header(crit=["x"])), "header_critical"), ("b64", response(head=header(b64=False)), "header_unencoded"), ("zip", response(head=header(zip="DEF")), "header_compressed"), ("enc", response(head=header(enc="A256GCM")), "header_encrypted"), ("nested", response(head=header(cty="JWT")), "header_nested"), ("too-large", response(payload=claims(pad="x" * 20_000)), "token_too_large"),
        ("typ-number", response(head=header(typ=1)), "header_malformed"), ("alg-missing", response(head=header(drop=["alg"])), "algorithm_missing"), ("not-utf8", response(payload=octets(claims())[:-1] + b',"x":"\xff"}'), "text_not_utf8"), ("lone-surrogate", with_raw(state='"\\ud800"'), "json_lone_surrogate"), ("garbage-behind", response(payload=json.dumps(claims()) + "x"), "json_malformed"),
        ("no-kid-other-alg", response("PS256", header("PS256", drop=["kid"], alg="RS256")), "algorithm_refused"),
    ]:
        add(book, f"JRM-05.{what}", changed_value, expect, twin=good)
    add(book, "JRM-05.no-kid-good", response(head=header(drop=["kid"])))
    twin = add(book, "JRM-05.rs256-listed-good", response("RS256"), policy="RS256", output={"code": CODE})
    add(book, "JRM-05.rs256-not-listed", response("RS256"), "algorithm_refused", twin=twin)


def parameters(book):
    value = response()
    good = query(book, "JRM-06.good", f"response={value}", output={"code": CODE})
    query(book, "JRM-06.own-parameters-good", f"dummy1=lorem&dummy2=ipsum&response={value}", output={"code": CODE})
    query(book, "JRM-06.own-parameters-behind-good", f"response={value}&dummy1=lorem", output={"code": CODE})
    query(book, "JRM-06.error-good", f"response={response(payload=error_claims())}", output={"error": "access_denied"})
    query(book, "JRM-06.name-escaped-good", f"r%65sponse={value}", output={"code": CODE})
    for name in ("code", "state", "error", "error_description", "error_uri", "iss", "id_token", "access_token", "token_type", "expires_in"):
        query(book, f"JRM-06.{name}-before", f"{name}=x&response={value}", "response_parameters", twin=good)
        query(book, f"JRM-06.{name}-behind", f"response={value}&{name}=x", "response_parameters", twin=good)
    for what, text_of in {"code-escaped": f"c%6Fde=x&response={value}", "code-escaped-lower": f"response={value}&%63%6f%64%65=x", "code-empty": f"code=&response={value}", "code-without-value": f"response={value}&code", "code-same": f"code={CODE}&response={value}", "twice": f"response={value}&response={value}", "twice-other": f"response=x&response={value}", "twice-escaped": f"response={value}&r%65sponse=x", "empty-second": f"response={value}&response="}.items():
        query(book, f"JRM-06.{what}", text_of, "response_parameters", twin=good)
    for what, text_of in {"plain-code": f"code={CODE}&state={STATE}", "plain-error": f"error=access_denied&state={STATE}", "plain-with-iss": f"code={CODE}&state={STATE}&iss=https%3A%2F%2Fas.example.com", "empty": "", "other": "a=b", "capital": f"Response={value}", "prefix": f"xresponse={value}", "id-token": "id_token=x", "semicolon": f"a=b;response={value}"}.items():
        query(book, f"JRM-06.{what}", text_of, "response_missing", twin=good)
    for what, text_of, expect in [("empty-response", "response=", "token_not_compact"), ("response-without-value", "response", "token_not_compact"), ("cut", f"response={value[:-4]}", "base64url_malformed" if value[-5] not in "AQgw" else "signature_length"), ("escaped-dot", "response=" + value.replace(".", "%2E"), "token_not_compact"), ("state-wrong", f"response={response(payload=claims(state='x'))}", "response_state"), ("plus-behind", f"response={value}+", "base64url_malformed")]:
        query(book, f"JRM-06.{what}", text_of, expect, twin=good)


def lifetimes(book):
    for alg in FAPI:
        good = add(book, f"JRM-07.{alg}-600", response(alg, payload=claims(exp=NOW + 600)))
        for seconds in (611, 660, 3600, 86400, 10**9):
            add(book, f"JRM-07.{alg}-{seconds}", response(alg, payload=claims(exp=NOW + seconds)), "response_lifetime", twin=good)
        add(book, f"JRM-07.{alg}-error-a-day", response(alg, payload=error_claims(exp=NOW + 86400)), "response_lifetime", twin=f"JRM-01.{alg}-error")
    add(book, "JRM-07.max", with_raw(exp="9007199254740992"), "response_lifetime", twin="JRM-07.ES256-600")
    add(book, "JRM-07.milliseconds", response(payload=claims(exp=(NOW + 300) * 1000)), "response_lifetime", twin="JRM-07.ES256-600")


def order(book):
    """The first fault decides, as for tokens; the state and the outcome come behind the signature."""
    stages = [("typ", "response_type"), ("alg", "algorithm_refused"), ("kid", "key_unknown"), ("type", "response_claim_malformed"), ("iss", "response_issuer"), ("aud", "response_audience"), ("exp", "response_expired"), ("signature", "signature_invalid"), ("state", "response_state"), ("both", "response_ambiguous")]
    wrong = {"type": {"error_uri": 1}, "iss": {"iss": "x"}, "aud": {"aud": "x"}, "exp": {"exp": 1}, "state": {"state": "x"}, "both": {"error": "x"}}

    def made(faults):
        head = header(**({"typ": "at+jwt"} if "typ" in faults else {}), **({"alg": "none"} if "alg" in faults else {}), **({"kid": "x"} if "kid" in faults else {}))
        payload = claims()
        for fault in faults:
            payload |= wrong.get(fault, {})
        return response(head=head, payload=payload, key=Key("attacker-es") if "signature" in faults else None)

    for (first, slug), (second, _) in zip(stages, stages[1:]):
        add(book, f"JRM-00.{first}-before-{second}", made((first, second)), slug, twin="JRM-01.ES256-code")
    add(book, "JRM-00.all", made([name for name, _ in stages]), "response_type", twin="JRM-01.ES256-code")


def mint():
    book = Book("jarm", "Attacks 1.9: JARM responses at the client.", policies=POLICIES)
    book.source = "attack table 1.9"
    for part in (issuer_audience_time, states, mixed_up, outcomes, shapes, parameters, lifetimes, order):
        part(book)
    return [book]
