"""Table 1.6: limits, and the order in which an input that is wrong in several ways is judged."""

import itertools
import json

from book import NOW, Book, Key, Raw, alter_segment, claims, header, issuer_key, jws, members, resigned, token
from encoding import b64u
from signing import octets, sign

DEEPEST, MOST_MEMBERS = 32, 128
WIDE = {"base": "fapi", "max_token_bytes": 65535, "max_header_bytes": 65535}


def nested(depth, opening="[", closing="]", core=""):
    return opening * depth + core + closing * depth


def depth(book):
    good = book.token("DOS-01.good", token())
    # The object itself is the first level.
    for what, opening, closing, core in [("lists", "[", "]", ""), ("objects", '{"a":', "}", "1"), ("mixed", '[{"a":', "}]", "1")]:
        step = 2 if what == "mixed" else 1
        fits = (DEEPEST - 1) // step
        for place in ("header", "payload"):
            made = lambda count: token(
                head=members([*header().items(), ("x", Raw(nested(count, opening, closing, core)))]) if place == "header" else None,
                payload=members([*claims().items(), ("x", Raw(nested(count, opening, closing, core)))]) if place == "payload" else None,
            )
            twin = book.token(f"DOS-01.{place}-{what}-32", made(fits))
            book.token(f"DOS-01.{place}-{what}-beyond", made(fits + 1), "json_too_deep", twin=twin)
            book.token(f"DOS-01.{place}-{what}-200", made(200), "json_too_deep", twin=twin)
    five_thousand = members([*header().items(), ("x", Raw(nested(5000)))])
    book.token("DOS-01.header-5000", token(head=five_thousand), "header_too_large", twin=good)
    book.token("DOS-01.header-5000-within-limits", token(head=five_thousand), "json_too_deep", WIDE, twin=good)
    twenty_thousand = members([*claims().items(), ("x", Raw(nested(20_000)))])
    book.token("DOS-01.payload-20000", token(payload=twenty_thousand), "token_too_large", twin=good)
    book.token("DOS-01.payload-20000-within-limits", token(payload=twenty_thousand), "json_too_deep", WIDE, twin=good)
    for what, raw in {"open-lists": "[" * 11_000, "open-objects": '{"a":' * 2200, "open-mixed": '[{"a":' * 1800, "closed-only": "]" * 11_000}.items():
        book.token(f"DOS-01.payload-{what}", token(payload=raw), "json_malformed" if what == "closed-only" else "json_too_deep", twin=good)


def sizes(book):
    good = "DOS-01.good"

    def exactly(length):
        """A good token of exactly so many characters."""
        low = 0
        for low in range(length // 4 * 3, length // 2, -1):
            value = token(payload=claims(pad="x" * low))
            if len(value) == length:
                return value
            if len(value) < length - 4:
                break
        raise ValueError(length)

    for limit, policy in ((16384, "fapi"), (2048, {"base": "fapi", "max_token_bytes": 2048}), (65535, WIDE)):
        at = next(length for length in (limit, limit - 1, limit - 2) if can(exactly, length))
        over = next(length for length in (limit + 1, limit + 2, limit + 3) if can(exactly, length))
        twin = book.token(f"DOS-02.token-{at}-of-{limit}", exactly(at), policy=policy)
        book.token(f"DOS-02.token-{over}-of-{limit}", exactly(over), "token_too_large", policy, twin=twin)
    for what, payload in {
        "300-kb": claims(pad="x" * 225_000), "5000-members": claims() | {f"m{i}": i for i in range(5000)}, "20000-elements": claims(x=[0] * 20_000),
    }.items():
        book.token(f"DOS-02.{what}", token(payload=payload), "token_too_large", twin=good)
    book.token("DOS-02.not-a-token", "A" * 300_000, "token_too_large", twin=good)
    book.token("DOS-02.elements-within-limit", token(payload=claims(x=[0] * 5000)))
    book.token("DOS-02.text-within-limit", token(payload=claims(x="\u20ac" * 3000)))
    head = header()
    for size, expect in ((4095, "ok"), (4096, "ok"), (4097, "header_too_large"), (5000, "header_too_large")):
        padded = head | {"pad": ""}
        padded["pad"] = "x" * (size - len(octets(padded)))
        assert len(octets(padded)) == size
        book.token(f"DOS-02.header-{size}", token(head=padded), expect, twin=None if expect == "ok" else "DOS-02.header-4096")
    small = {"base": "fapi", "max_header_bytes": 64}
    twin = book.token("DOS-02.header-own-limit-good", token(), policy=small)
    book.token("DOS-02.header-own-limit", token(head=header(x="y" * 40)), "header_too_large", small, twin=twin)
    own = len(claims())
    for what, extra in {"128": MOST_MEMBERS - own - 1, "129": MOST_MEMBERS - own}.items():
        # cnf's own member counts while cnf is open; it comes before the filling here.
        filled = claims() | {f"m{i}": i for i in range(MOST_MEMBERS - own + (what == "129"))}
        book.token(f"DOS-02.members-{what}", token(payload=filled), "ok" if what == "128" else "json_too_many_members", twin=None if what == "128" else "DOS-02.members-128")
    half = {f"m{i}": i for i in range(100 - own)}
    inner = lambda count: {f"n{i}": i for i in range(count)}
    book.token("DOS-02.members-open-127", token(payload=claims() | half | {"x": inner(27)}))
    book.token("DOS-02.members-open-129", token(payload=claims() | half | {"x": inner(28)}), "json_too_many_members", twin="DOS-02.members-open-127")
    # A control character can only be written as an escape.
    escaped = {f"\x01{i}": i for i in range(17)}
    book.token("DOS-03.names-with-escapes-16", token(payload=claims() | dict(list(escaped.items())[:16])))
    book.token("DOS-03.names-with-escapes-17", token(payload=claims() | escaped), "json_too_many_members", twin="DOS-03.names-with-escapes-16")
    book.token("DOS-02.members-one-object-after-another", token(payload=claims(x=[inner(100), inner(100), inner(100)])))
    limits = {"zero-token": {"max_token_bytes": 0}, "zero-header": {"max_header_bytes": 0}, "token-beyond": {"max_token_bytes": 65536}, "header-beyond": {"max_header_bytes": 65536}}
    for what, limit in limits.items():
        book.token(f"DOS-02.limit-{what}", token(), "limit_out_of_range", {"base": "fapi"} | limit, twin=good)
    for digits in (20, 400, 4001):
        book.token(f"DOS-03.number-{digits}", token(payload=members([*claims().items(), ("x", Raw("9" * digits))])))
        book.token(f"DOS-03.header-number-{digits}", token(head=members([*header().items(), ("x", Raw("9" * digits))])))
        book.token(f"DOS-03.exp-{digits}", token(payload=members([*claims(drop=["exp"]).items(), ("exp", Raw("9" * digits))])), "claim_malformed", twin=good)
        book.token(f"DOS-03.exp-fraction-{digits}", token(payload=members([*claims(drop=["exp"]).items(), ("exp", Raw(f"{NOW}.{'1' * digits}"))])))
        book.token(f"DOS-03.exponent-{digits}", token(payload=members([*claims(drop=["exp"]).items(), ("exp", Raw(f"1e{'9' * digits}"))])), "claim_malformed", twin=good)
    alike = {("a" * i).ljust(12, "b"): i for i in range(12)} | {f"{i:03}same-ends-and-length-x": i for i in range(80)}
    book.token("DOS-03.names-that-collide", token(payload=claims() | alike))
    book.token("DOS-03.names-that-collide-one-twice", token(payload=members([*(claims() | alike).items(), ("079same-ends-and-length-x", 1)])), "json_member_repeated", twin="DOS-03.names-that-collide")
    long = "n" * 1000
    book.token("DOS-03.long-names", token(payload=claims() | {f"{long}{i}": i for i in range(8)}))


def can(make, length):
    try:
        make(length)
    except ValueError:
        return False
    return True


def order(book):
    """DOS-05: two faults at a time; the earlier one in README.md's order decides."""
    stages = [
        ("typ", "type_mismatch"), ("alg", "algorithm_refused"), ("kid", "key_unknown"), ("claim", "claim_malformed"), ("iss", "issuer_mismatch"), ("aud", "audience_mismatch"), ("exp", "token_expired"), ("nbf", "token_not_yet_valid"), ("iat", "token_issued_ahead"),
        ("sub", "subject_missing"), ("cnf", "certificate_mismatch"), ("signature", "signature_invalid"), ("scope", "scope_insufficient"), ("acr", "authentication_context"), ("auth_time", "authentication_age"),
    ]
    policy = {"base": "fapi", "scopes": ["accounts"], "acr_values": ["gold"], "max_age": 60}

    def made(faults):
        head = header(**({"typ": "JWT"} if "typ" in faults else {}), **({"alg": "ES999"} if "alg" in faults else {}), **({"kid": "nobody"} if "kid" in faults else {}))
        payload = claims(acr="gold", auth_time=NOW)
        changes = {
            "claim": {"jti": 7}, "iss": {"iss": "x"}, "aud": {"aud": "x"}, "exp": {"exp": NOW - 100}, "nbf": {"nbf": NOW + 100}, "iat": {"iat": NOW + 100}, "cnf": {"cnf": {"x5t#S256": "A" * 43}}, "scope": {"scope": "x"}, "acr": {"acr": "x"}, "auth_time": {"auth_time": NOW - 1000},
        }
        for fault in faults:
            payload |= changes.get(fault, {})
        if "sub" in faults:
            del payload["sub"]
        return token(head=head, payload=payload, key=Key("attacker-es") if "signature" in faults else None)

    twin = book.token("DOS-05.good", made(()), policy=policy)
    for name, slug in stages:
        book.token(f"DOS-05.{name}", made((name,)), slug, policy, twin=twin)
    for (first, slug), (second, _) in itertools.combinations(stages, 2):
        book.token(f"DOS-05.{first}-before-{second}", made((first, second)), slug, policy, twin=twin)
    book.token("DOS-05.all", made([name for name, _ in stages]), "type_mismatch", policy, twin=twin)
    bad = made([name for name, _ in stages])
    broken = alter_segment(bad, 2, lambda s: "!" + s)
    book.token("DOS-05.base64url-of-signature-before-typ", broken, "base64url_malformed", policy, twin=twin)
    book.token("DOS-05.base64url-of-payload-before-typ", alter_segment(bad, 1, lambda s: s + "!"), "base64url_malformed", policy, twin=twin)
    book.token("DOS-05.header-json-before-base64url-of-payload", alter_segment(alter_segment(bad, 0, lambda _: b64u("[]")), 1, lambda s: s + "!"), "json_not_object", policy, twin=twin)
    book.token("DOS-05.crit-before-base64url-of-signature", alter_segment(alter_segment(bad, 0, lambda _: b64u('{"crit":[]}')), 2, lambda s: s + "!"), "header_critical", policy, twin=twin)
    book.token("DOS-05.segments-before-base64url", "!" + bad + ".x", "token_not_compact", policy, twin=twin)
    book.token("DOS-05.size-before-segments", bad + "." * 20_000, "token_too_large", policy, twin=twin)
    book.token("DOS-05.typ-before-payload-json", token(head=header(typ="JWT"), payload="not json"), "type_mismatch", policy, twin=twin)
    book.token("DOS-05.alg-before-payload-json", token(head=header(alg="ES999"), payload="not json"), "algorithm_refused", policy, twin=twin)
    book.token("DOS-05.key-before-payload-json", token(head=header(kid="x"), payload="not json"), "key_unknown", policy, twin=twin)
    book.token("DOS-05.payload-json-before-signature", token(payload="not json", key=Key("attacker-es")), "json_malformed", policy, twin=twin)
    book.token("DOS-05.claims-in-their-order-cnf", token(payload=members([("cnf", 1), *claims(drop=["cnf"], jti=7).items()])), "confirmation_malformed", policy, twin=twin)
    book.token("DOS-05.claims-in-their-order-jti", token(payload=members([("jti", 7), *claims(drop=["cnf", "jti"]).items(), ("cnf", 1)])), "claim_malformed", policy, twin=twin)
    book.token("DOS-05.repeated-before-later-type", token(payload=members([("a", 1), ("a", 1), *claims(jti=7).items()])), "json_member_repeated", policy, twin=twin)
    book.token("DOS-05.signature-length-after-binding", alter_segment(made(("cnf",)), 2, lambda _: ""), "certificate_mismatch", policy, twin=twin)


def mint():
    book = Book("limits", "Attacks 1.6: size, depth, cost, and the order of judgement.")
    book.source = "attack table 1.6"
    for part in (depth, sizes, order):
        part(book)
    return [book]
