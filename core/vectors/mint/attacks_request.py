"""Whole requests: credentials, rows DPO-12, MTL-01 and CLM-14, conformance 3.3, and the exact answer to each refusal (gateway 1.4)."""

from attacks_binding import hex_text_value
from attacks_dpop import METHOD, ath, proof, proof_claims, proof_header
from attacks_replay import SECRET, STEP, nonce
from book import AUDIENCE, CERTIFICATE, CLIENT_KEYS, FAPI, NOW, POLICIES, THUMBPRINT, URL, Book, Key, Raw, alter_segment, claims, header, issuer_key, members, token
from encoding import b64u, text
from signing import Certificate, octets, signing_input

ALGS = 'algs="ES256 PS256 EdDSA"'
BARE = f"Bearer, DPoP {ALGS}"
PRESENTED = {"form": "pem", "values": [CERTIFICATE.pem]}
CLIENT_ERROR = {400: None, 500: None, 503: None}
NONCE_POLICY = {"base": "fapi", "nonce": {"secret_hex": SECRET.hex(), "step": STEP}}


def bearer(error=None, more=""):
    return f'Bearer error="{error}"{more}' if error else "Bearer"


def dpop(error=None, more=""):
    return f'DPoP error="{error}"{more}, {ALGS}' if error else f"DPoP {ALGS}"


def given(authorization=(), proofs=(), certificate=None, method=METHOD, url=URL):
    """A request; the headers as lists of texts."""
    made = {"method": method, "url": url, "authorization": [text(value) for value in authorization], "dpop": [text(value) for value in proofs]}
    return made if certificate is None else made | {"certificate": certificate}


def refusal(status, challenge=None, fresh_nonce=False):
    return {"status": status, "www_authenticate": challenge, "dpop_nonce": fresh_nonce}


def accepted(payload=None, fresh_nonce=False):
    return {"status": 200, "claims": payload or claims(), "dpop_nonce": fresh_nonce}


def add(book, identifier, asked, expect="ok", output=None, policy="fapi", **more):
    return book.add(identifier, "request", asked, expect, policy, output=output, **more)


def bound_token(key, alg="ES256", **change):
    return token(alg, payload=claims(**({"cnf": {"jkt": key.thumbprint()}} | change)))


def bound_claims(key, **change):
    return claims(**({"cnf": {"jkt": key.thumbprint()}} | change))


def credentials(book):
    value = token()
    asked = lambda *authorization, **more: given(authorization, certificate=PRESENTED, **more)
    good = add(book, "request.bearer-good", asked(f"Bearer {value}"), output=accepted())
    for what, scheme in {"lower": "bearer", "upper": "BEARER", "mixed": "bEaReR"}.items():
        add(book, f"request.scheme-{what}-good", asked(f"{scheme} {value}"), output=accepted())
    add(book, "request.several-blanks-good", asked(f"Bearer   {value}"), output=accepted())
    missing = refusal(401, BARE)
    for what, values in {
        "none": [], "basic": ["Basic dXNlcjpwYXNz"], "digest": ['Digest username="a"'], "empty": [""], "scheme-suffix": [f"Bearers {value}"], "scheme-prefix": [f"xBearer {value}"], "token-alone": [value], "negotiate": ["Negotiate AAAA"], "mac": [f"MAC {value}"], "tab": [f"Bearer\t{value}"], "leading-blank": [f" Bearer {value}"],
    }.items():
        add(book, f"request.credential-{what}", asked(*values), "credential_missing", missing, twin=good)
    for binding, challenge in {"mtls": "Bearer", "dpop": dpop(), "optional": BARE, "required": BARE}.items():
        add(book, f"request.challenge-where-{binding}", given(), "credential_missing", refusal(401, challenge), {"base": "fapi", "binding": binding}, twin=good)
        realm = {"mtls": 'Bearer realm="accounts"', "dpop": f'DPoP realm="accounts", {ALGS}'}.get(binding, f'Bearer realm="accounts", DPoP realm="accounts", {ALGS}')
        add(book, f"request.challenge-where-{binding}-with-realm", given(), "credential_missing", refusal(401, realm), {"base": "fapi", "binding": binding, "realm": "accounts"}, twin=good)
    for what, values in {"two-bearer": [f"Bearer {value}", f"Bearer {value}"], "bearer-and-dpop": [f"Bearer {value}", f"DPoP {value}"], "bearer-and-basic": [f"Bearer {value}", "Basic AAAA"], "basic-and-bearer": ["Basic AAAA", f"Bearer {value}"], "three": ["", "", ""]}.items():
        add(book, f"request.repeated-{what}", asked(*values), "credential_repeated", refusal(400), twin=good)
    for what, credential in {
        "scheme-alone": "Bearer", "scheme-and-blank": "Bearer ", "scheme-and-blanks": "Bearer    ", "two-tokens": f"Bearer {value} {value}", "comma": f"Bearer {value}, Bearer {value}", "comma-dpop": f"Bearer {value},DPoP {value}", "quoted": f'Bearer "{value}"', "parameter": f'Bearer token="{value}"', "trailing-blank": f"Bearer {value} ", "nul": f"Bearer {value}\0", "newline": f"Bearer {value}\n",
        "crlf-header": f"Bearer {value}\r\nX: y", "equals-alone": "Bearer ==", "equals-inside": f"Bearer {value[:9]}={value[9:]}", "non-ascii": f"Bearer {value}\u00e9", "latin-1": b"Bearer caf\xe9", "semicolon": f"Bearer {value};x", "percent": f"Bearer {value}%20", "dpop-alone": "DPoP", "at": "Bearer a@b", "star": "Bearer *",
    }.items():
        add(book, f"request.malformed-{what}", asked(credential), "credential_malformed", refusal(400), twin=good)
    for what, query in {"with-header": f"access_token={value}", "empty": "access_token=", "without-value": "access_token", "behind-others": "a=b&access_token=x", "escaped": "%61ccess_token=x", "escaped-underscore": "access%5Ftoken=x", "twice": "access_token=x&access_token=y"}.items():
        add(book, f"request.query-{what}", asked(f"Bearer {value}", url=f"{URL}?{query}"), "credential_in_query", refusal(400), twin=good)
    add(book, "request.query-without-header", asked(url=f"{URL}?access_token={value}"), "credential_in_query", refusal(400), twin=good)
    for what, url in {"other-name": f"{URL}?xaccess_token=x", "suffix": f"{URL}?access_token2=x", "as-a-value": f"{URL}?a=access_token", "upper": f"{URL}?ACCESS_TOKEN=x", "in-fragment": f"{URL}#access_token=x", "in-fragment-query": f"{URL}#?access_token=x", "in-path": "https://api.example.com/access_token=x"}.items():
        add(book, f"request.query-{what}-good", asked(f"Bearer {value}", url=url), output=accepted())
    for what, credential in {"opaque": "Bearer opaque-reference", "padded": "Bearer AAAA==", "slashes": "Bearer a/b+c~d_e"}.items():
        expect = "token_not_compact"
        add(book, f"request.{what}", asked(credential), expect, refusal(401, bearer("invalid_token")), twin=good)


def refused_tokens(book):
    asked = lambda value, certificate=PRESENTED: given([f"Bearer {value}"], certificate=certificate)
    good = "request.bearer-good"
    invalid = refusal(401, bearer("invalid_token"))
    for alg in FAPI:
        add(book, f"request.{alg}-good", asked(token(alg)), output=accepted())
        for what, value, expect in [
            ("expired", token(alg, payload=claims(exp=NOW - 60)), "token_expired"), ("forged", alter_segment(token(alg), 2, lambda s: ("B" if s[0] != "B" else "C") + s[1:]), "signature_invalid"), ("none", signing_input(header(alg, alg="none"), claims()) + ".", "algorithm_refused"), ("other-audience", token(alg, payload=claims(aud="x")), "audience_mismatch"), ("other-issuer", token(alg, payload=claims(iss="x")), "issuer_mismatch"),
            ("unknown-key", token(alg, header(alg, kid="x")), "key_unknown"), ("unbound", token(alg, payload=claims(drop=["cnf"])), "confirmation_missing"), ("typ", token(alg, header(alg, typ="JWT")), "type_mismatch"), ("not-yet", token(alg, payload=claims(nbf=NOW + 60)), "token_not_yet_valid"), ("crit", token(alg, header(alg, crit=["x"])), "header_critical"),
        ]:
            add(book, f"request.{alg}-{what}", asked(value), expect, invalid, twin=f"request.{alg}-good")
    add(book, "request.expired-with-realm", asked(token(payload=claims(exp=NOW - 60))), "token_expired", refusal(401, 'Bearer realm="accounts", error="invalid_token"'), {"base": "fapi", "realm": "accounts"}, twin=good)
    add(book, "request.too-large", asked(token(payload=claims(pad="x" * 20_000))), "token_too_large", invalid, twin=good)
    book.source = "attack table 1.5, RFC 6750 section 3.1, RFC 9470 section 3"
    wanted = {"base": "fapi", "scopes": ["accounts", "payments"]}
    twin = add(book, "request.scope-good", asked(token()), output=accepted(), policy=wanted)
    add(book, "request.scope", asked(token(payload=claims(scope="accounts"))), "scope_insufficient", refusal(403, 'Bearer error="insufficient_scope", scope="accounts payments"'), wanted, twin=twin)
    add(book, "request.scope-with-realm", asked(token(payload=claims(scope=""))), "scope_insufficient", refusal(403, 'Bearer realm="r s", error="insufficient_scope", scope="accounts payments"'), wanted | {"realm": "r s"}, twin=twin)
    level = {"base": "fapi", "acr_values": ["urn:example:gold", "urn:example:silver"], "max_age": 300}
    twin = add(book, "request.acr-good", asked(token(payload=claims(acr="urn:example:gold", auth_time=NOW))), policy=level)
    stepped = 'Bearer error="insufficient_user_authentication", acr_values="urn:example:gold urn:example:silver", max_age=300'
    add(book, "request.acr", asked(token()), "authentication_context", refusal(401, stepped), level, twin=twin)
    add(book, "request.auth-time", asked(token(payload=claims(acr="urn:example:gold", auth_time=NOW - 3600))), "authentication_age", refusal(401, stepped), level, twin=twin)
    add(book, "request.max-age-alone", asked(token()), "authentication_age", refusal(401, 'Bearer error="insufficient_user_authentication", max_age=60'), {"base": "fapi", "max_age": 60}, twin=twin)
    add(book, "request.acr-alone", asked(token()), "authentication_context", refusal(401, 'Bearer error="insufficient_user_authentication", acr_values="gold"'), {"base": "fapi", "acr_values": ["gold"]}, twin=twin)
    book.source = "attack table 1.7"
    for name in ("client-ec", "client-rsa", "client-ed25519"):
        own = Certificate(name)
        bound = claims(cnf={"x5t#S256": own.thumbprint()})
        value = token(payload=bound)
        forms = {"der": hex_text_value(own.der), "pem": own.pem, "escaped_pem": own.escaped, "client_cert": own.client_cert}
        for form, presented in forms.items():
            add(book, f"MTL-01.request-{name}-{form}", asked(value, {"form": form, "values": [presented]}), output=accepted(bound))
        add(book, f"MTL-01.request-{name}-none", asked(value, None), "certificate_missing", invalid, twin=f"MTL-01.request-{name}-pem")
        add(book, f"MTL-01.request-{name}-other", asked(value, {"form": "pem", "values": [Certificate("other-client").pem]}), "certificate_mismatch", invalid, twin=f"MTL-01.request-{name}-pem")
        add(book, f"MTL-01.request-{name}-malformed", asked(value, {"form": "client_cert", "values": [own.base64]}), "certificate_malformed", refusal(400), twin=f"MTL-01.request-{name}-pem")
        add(book, f"MTL-03.request-{name}-chain", asked(value, {"form": "pem", "values": [own.pem + Certificate("other-client").pem]}), "certificate_repeated", refusal(400), twin=f"MTL-01.request-{name}-pem")
    book.source = "attack table 1.5"
    before = given([f"Bearer {token()}"], certificate=PRESENTED) | {"now": NOW, "expect": "ok"}
    twin = add(book, "CLM-14.again-in-time", asked(token()) | {"before": [before]}, output=accepted(), now=NOW + 309)
    add(book, "CLM-14.again-after-expiry", asked(token()) | {"before": [before]}, "token_expired", invalid, now=NOW + 310, twin=twin)
    add(book, "CLM-14.again-without-certificate", asked(token(), None) | {"before": [before]}, "certificate_missing", invalid, twin=twin)
    add(book, "CLM-14.other-token-of-the-same-claims", asked(alter_segment(token(), 2, lambda s: "AAAA" + s[4:])) | {"before": [before]}, "signature_invalid", invalid, twin=twin)
    add(book, "CLM-14.again-after-a-refusal", asked(token()) | {"before": [before | {"now": NOW + 1000, "expect": "token_expired"}]}, output=accepted())


def with_proofs(book):
    book.source = "attack table 1.8"
    for alg, name in CLIENT_KEYS.items():
        key = Key(name)
        value, payload = bound_token(key), bound_claims(key)
        asked = lambda *proofs, scheme="DPoP", sent=value, **more: given([f"{scheme} {sent}"], proofs, **more)
        good = add(book, f"DPO-12.{alg}-good", asked(proof(key, value)), output=accepted(payload))
        for what, scheme in {"lower": "dpop", "upper": "DPOP"}.items():
            add(book, f"DPO-12.{alg}-scheme-{what}-good", asked(proof(key, value), scheme=scheme), output=accepted(payload))
        add(book, f"DPO-12.{alg}-query-good", asked(proof(key, value), url=URL + "?page=2"), output=accepted(payload))
        add(book, f"DPO-12.{alg}-with-certificate-good", asked(proof(key, value), certificate=PRESENTED), output=accepted(payload))
        bad = refusal(401, dpop("invalid_dpop_proof"))
        refuse = lambda what, proofs, expect, answer=bad, **more: add(book, f"DPO-12.{alg}-{what}", asked(*proofs, **more), expect, answer, twin=good)
        refuse("none", [], "proof_missing")
        refuse("two-headers", [proof(key, value), proof(key, value)], "proof_repeated")
        refuse("two-other-headers", [proof(key, value), proof(key, value, payload=proof_claims(value, jti="proof-2"))], "proof_repeated")
        refuse("second-empty", [proof(key, value), ""], "proof_repeated")
        refuse("comma-join", [f"{proof(key, value)}, {proof(key, value, payload=proof_claims(value, jti='proof-2'))}"], "proof_malformed")
        refuse("comma-join-no-blank", [f"{proof(key, value)},{proof(key, value)}"], "proof_malformed")
        refuse("empty", [""], "proof_malformed")
        refuse("kib-4", [proof(key, value, payload=proof_claims(value, pad="x" * 3500))], "proof_too_large")
        refuse("30000-characters", ["A" * 30_000], "proof_too_large")
        refuse("ath-of-another", [proof(key, "another")], "proof_token_hash")
        refuse("no-ath", [proof(key, None)], "proof_token_hash")
        refuse("method", [proof(key, value)], "proof_method", method="POST")
        refuse("url", [proof(key, value)], "proof_url", url="https://api.example.com/payments")
        refuse("old", [proof(key, value, payload=proof_claims(value, iat=NOW - 301))], "proof_issued_at")
        refuse("forged", [alter_segment(proof(key, value), 2, lambda s: "AAAA" + s[4:])], "proof_signature")
        invalid = refusal(401, dpop("invalid_token"))
        stranger = Key("client-es-2")
        add(book, f"DPO-11.request-{alg}-other-key", asked(proof(stranger, value)), "proof_key_mismatch", invalid if error_is_token("proof_key_mismatch") else bad, twin=good)
        add(book, f"DPO-11.request-{alg}-as-bearer", asked(scheme="Bearer"), "proof_required", invalid, twin=good)
        add(book, f"DPO-11.request-{alg}-as-bearer-with-proof", asked(proof(key, value), scheme="Bearer"), "proof_required", invalid, twin=good)
        add(book, f"DPO-11.request-{alg}-as-bearer-with-certificate", asked(scheme="Bearer", certificate=PRESENTED), "proof_required", invalid, twin=good)
        unbound = token(payload=claims(drop=["cnf"]))
        for policy in ("required", "optional", "dpop"):
            add(book, f"DPO-11.request-{alg}-unbound-where-{policy}", asked(proof(key, unbound), sent=unbound), "proof_unexpected", invalid, {"base": "fapi", "binding": policy}, twin=good)
        mtls = token()
        add(book, f"DPO-11.request-{alg}-certificate-bound", asked(proof(key, mtls), sent=mtls, certificate=PRESENTED), "proof_unexpected", invalid, twin=good)
        expired = bound_token(key, exp=NOW - 60)
        add(book, f"DPO-11.request-{alg}-expired", asked(proof(key, expired), sent=expired), "token_expired", invalid, twin=good)
        poor = bound_token(key, scope="payments")
        wanted = {"base": "fapi", "scopes": ["accounts"]}
        add(book, f"DPO-11.request-{alg}-scope", asked(proof(key, poor), sent=poor), "scope_insufficient", refusal(403, dpop("insufficient_scope", ', scope="accounts"')), wanted, twin=good)
        before = asked(proof(key, value)) | {"now": NOW, "expect": "ok"}
        add(book, f"DPO-07.request-{alg}-replay", asked(proof(key, value)) | {"before": [before]}, "proof_replayed", bad, now=NOW + 1, twin=good)
        add(book, f"DPO-07.request-{alg}-another-proof", asked(proof(key, value, payload=proof_claims(value, jti="proof-2"))) | {"before": [before]}, output=accepted(payload), now=NOW + 1)
        for what, failing in {
            "expired-token": (asked(proof(key, expired), sent=expired), "token_expired"), "forged-token": (asked(proof(key, value[:-8] + "AAAAAAAA"), sent=value[:-8] + "AAAAAAAA"), "signature_invalid"), "wrong-method": (asked(proof(key, value), method="POST"), "proof_method"), "two-headers": (asked(proof(key, value), proof(key, value)), "proof_repeated"),
        }.items():
            add(book, f"DPO-09.request-{alg}-{what}-first", asked(proof(key, value)) | {"before": [failing[0] | {"now": NOW, "expect": failing[1]}]}, output=accepted(payload))
        fresh = proof(key, value, payload=proof_claims(value, nonce=nonce(NOW)))
        twin = add(book, f"DPO-13.request-{alg}-good", asked(fresh), output=accepted(payload, True), policy=NONCE_POLICY)
        wanted = refusal(401, dpop("use_dpop_nonce"), True)
        add(book, f"DPO-13.request-{alg}-missing", asked(proof(key, value)), "nonce_required", wanted, NONCE_POLICY, twin=twin)
        add(book, f"DPO-13.request-{alg}-old", asked(proof(key, value, payload=proof_claims(value, nonce=nonce(NOW - 3 * STEP)))), "nonce_invalid", wanted, NONCE_POLICY, twin=twin)
        add(book, f"DPO-13.request-{alg}-realm", asked(proof(key, value)), "nonce_required", refusal(401, f'DPoP realm="accounts", error="use_dpop_nonce", {ALGS}', True), NONCE_POLICY | {"realm": "accounts"}, twin=twin)
    add(book, "DPO-13.request-bearer-where-nonces-are-used", given([f"Bearer {token()}"], certificate=PRESENTED), output=accepted(fresh_nonce=True), policy=NONCE_POLICY)
    add(book, "DPO-13.request-without-credential", given(), "credential_missing", refusal(401, BARE, True), NONCE_POLICY, twin="DPO-13.request-ES256-good")


def error_is_token(slug):
    """The binding belongs to the token (RFC 9449 section 7.1: an invalid binding is invalid_token)."""
    return slug == "proof_key_mismatch"


def conformance(book):
    """The table of conformance 3.3, in its order."""
    book.source = "FAPI conformance suite, dpop-negative-tests"
    key = Key("client-ps")
    value, payload = bound_token(key, "PS256"), bound_claims(key)
    asked = lambda *proofs, scheme="DPoP", url=URL: given([f"{scheme} {value}"], proofs, url=url)
    good = add(book, "conformance.valid", asked(proof(key, value)), output=accepted(payload))
    own = lambda **change: proof_claims(value, **change)
    made = lambda head=None, **change: proof(key, value, head=head, payload=own(**change))
    bad = refusal(401, dpop("invalid_dpop_proof"))
    for what, proofs, expect in [
        ("two-headers", [made(), made(jti="proof-2")], "proof_repeated"), ("not-a-jwt", ["this is not a JWT"], "proof_malformed"), ("no-typ", [made(proof_header(key, drop=["typ"]))], "proof_type"), ("no-alg", [made(proof_header(key, drop=["alg"]))], "proof_algorithm"), ("no-jwk", [made(proof_header(key, drop=["jwk"]))], "proof_key_missing"),
        ("no-jti", [made(drop=["jti"])], "proof_claim_missing"), ("no-htm", [made(drop=["htm"])], "proof_claim_missing"), ("no-htu", [made(drop=["htu"])], "proof_claim_missing"), ("no-iat", [made(drop=["iat"])], "proof_claim_missing"), ("no-ath", [made(drop=["ath"])], "proof_token_hash"), ("typ-wrong", [made(proof_header(key, typ="dpop+jwt2"))], "proof_type"),
        ("rs256", [proof(key, value, head=proof_header(key, alg="RS256"), payload=own(), alg="RS256")], "proof_algorithm"), ("alg-none", [signing_input(proof_header(key, alg="none"), own()) + "."], "proof_algorithm"), ("bad-signature", [alter_segment(made(), 2, lambda s: "AAAA" + s[4:])], "proof_signature"), ("private-part-in-jwk", [made(proof_header(key, jwk=key.private))], "proof_key_invalid"),
        ("htm-put", [made(htm="PUT")], "proof_method"), ("htu-other", [made(htu="https://api.example.com/other")], "proof_url"), ("iat-an-hour-ago", [made(iat=NOW - 3600)], "proof_issued_at"), ("iat-in-an-hour", [made(iat=NOW + 3600)], "proof_issued_at"), ("ath-wrong", [made(ath=ath("another"))], "proof_token_hash"), ("no-proof", [], "proof_missing"),
    ]:
        add(book, f"conformance.{what}", asked(*proofs), expect, bad, twin=good)
    add(book, "conformance.other-key", asked(proof(Key("client-es"), value)), "proof_key_mismatch", refusal(401, dpop("invalid_token")), twin=good)
    add(book, "conformance.no-proof-with-bearer", asked(scheme="Bearer"), "proof_required", refusal(401, dpop("invalid_token")), twin=good)
    for what, change, url in [("htu-with-query-and-fragment", {"htu": URL + "?a=b#c"}, URL), ("htu-without-them", {}, URL + "?a=b"), ("unknown-header-and-claims", {"unknown": True, "exp": 1}, URL), ("htu-scheme-and-host-upper", {"htu": URL.replace("https://api.example.com", "HTTPS://API.EXAMPLE.COM")}, URL), ("htu-default-port", {"htu": URL.replace(".com", ".com:443")}, URL), ("jti-first-use", {"jti": "fresh"}, URL)]:
        head = proof_header(key, unknown="x") if what.startswith("unknown") else None
        add(book, f"conformance.{what}", asked(made(head, **change), url=url), output=accepted(payload))
    before = asked(made()) | {"now": NOW, "expect": "ok"}
    add(book, "conformance.jti-replay", asked(made()) | {"before": [before]}, "proof_replayed", bad, twin="conformance.jti-first-use")
    add(book, "conformance.valid-at-the-end", asked(made(jti="last")) | {"before": [before]}, output=accepted(payload))


def order_and_misuse(book):
    book.source = "the order of judgement (README.md)"
    key = Key("client-es")
    value, expired = bound_token(key), bound_token(key, exp=NOW - 60)
    forged = lambda made: alter_segment(made, 2, lambda s: "AAAA" + s[4:])
    good = "DPO-12.ES256-good"
    for what, asked, expect in [
        ("query-before-repeated", given(["Bearer a", "Bearer b"], url=URL + "?access_token=x"), "credential_in_query"), ("repeated-before-malformed", given(["Bearer", "Bearer"]), "credential_repeated"), ("malformed-before-proof", given(["DPoP a b"]), "credential_malformed"), ("proof-count-before-token", given([f"DPoP {expired}"]), "proof_missing"),
        ("proof-url-before-token", given([f"DPoP {expired}"], [proof(key, expired)], url="https://api.example.com/x"), "proof_url"), ("proof-ath-before-token", given([f"DPoP {expired}"], [proof(key, value)]), "proof_token_hash"), ("token-before-proof-signature", given([f"DPoP {expired}"], [forged(proof(key, expired))]), "token_expired"), ("binding-before-proof-signature", given([f"DPoP {value}"], [forged(proof(Key("client-es-2"), value))]), "proof_key_mismatch"),
        ("token-signature-before-proof-signature", given([f"DPoP {forged(value)}"], [forged(proof(key, forged(value)))]), "signature_invalid"),
    ]:
        status = {"credential_in_query": 400, "credential_repeated": 400, "credential_malformed": 400}.get(expect, 401)
        slug = "invalid_dpop_proof" if expect in ("proof_missing", "proof_url", "proof_token_hash") else "invalid_token"
        add(book, f"order.{what}", asked, expect, refusal(status, dpop(slug) if status == 401 else None), twin=good)
    seen = given([f"DPoP {value}"], [proof(key, value)]) | {"now": NOW, "expect": "ok"}
    poor = {"base": "fapi", "scopes": ["accounts"]}
    add(book, "order.proof-signature-before-replay", given([f"DPoP {value}"], [forged(proof(key, value))]) | {"before": [seen]}, "proof_signature", refusal(401, dpop("invalid_dpop_proof")), twin=good)
    less = bound_token(key, scope="x")
    add(book, "order.scope-before-proof-signature", given([f"DPoP {less}"], [forged(proof(key, less))]), "scope_insufficient", refusal(403, dpop("insufficient_scope", ', scope="accounts"')), poor, twin=good)
    add(book, "order.certificate-before-token", given([f"Bearer {token(payload=claims(exp=1))}"], certificate={"form": "pem", "values": ["x"]}), "certificate_malformed", refusal(400), twin="request.bearer-good")
    book.source = "misuse by the host is never blamed on the client"
    asked = lambda **more: given([f"DPoP {value}"], [proof(key, value)], **more)
    for what, url in {"relative": "/accounts/7", "empty": "", "ftp": "ftp://api.example.com/x"}.items():
        add(book, f"misuse.url-{what}", asked(url=url), "request_url", refusal(500), twin=good)
    add(book, "misuse.method-empty", asked(method=""), "request_method", refusal(500), twin=good)
    for what, realm in {"quote": 'a"b', "backslash": "a\\b", "newline": "a\nb", "non-ascii": "caf\u00e9", "control": "a\x7f"}.items():
        book.add(f"misuse.realm-{what}", "request", asked(), "text_not_token", {"base": "fapi", "realm": realm}, twin=good)


def mint():
    book = Book("requests", "Whole requests, and the exact answer to each refusal.")
    for part in (credentials, refused_tokens, with_proofs, conformance, order_and_misuse):
        book.source = "gateway contract 1.4, RFC 6750, RFC 9449 section 7.1"
        part(book)
    return [book]
