"""Rows KEY-05 to KEY-07 and KEY-09, and how JWKs and JWK Sets are loaded."""

import json

from book import FAPI, POLICIES, SETS, Book, Raw, claims, header, issuer_jwk, issuer_key, members, resigned, token
from encoding import b64u, b64u_int, text, unb64u
from signing import ED25519_ORDER, Key, number

PRIME = 2**256 - 2**224 + 2**192 + 2**96 - 1
B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
ED_PRIME = 2**255 - 19
FAPI_ONLY = {"algorithms": FAPI}
SMALL_ORDER = {
    "order-1": "01" + "00" * 31,
    "order-2": "ec" + "ff" * 30 + "7f",
    "order-4": "00" * 32,
    "order-4-negative": "00" * 31 + "80",
    "order-8": "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "order-8-negative": "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "order-8-other": "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "order-8-other-negative": "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
}
NOT_CANONICAL = {
    "p": "ed" + "ff" * 30 + "7f",
    "p-negative": "ed" + "ff" * 31,
    "p-plus-1": "ee" + "ff" * 30 + "7f",
    "p-plus-1-negative": "ee" + "ff" * 31,
    "p-plus-18": "ff" * 31 + "7f",
    "all-ones": "ff" * 32,
}


def compact(value):
    return json.dumps(value, separators=(",", ":"))


def load(book, identifier, jwk, expect="ok", policy=None, twin=None, output=None):
    value = jwk if isinstance(jwk, (str, bytes)) else compact(jwk)
    return book.add(identifier, "jwk", {"jwk": text(value)}, expect, policy or FAPI_ONLY, twin=twin, output=output)


def rsa_strength(book):
    for size, name in (("2048", "issuer-ps"), ("2049", "issuer-ps-2049"), ("3072", "issuer-ps-3072"), ("4096", "issuer-ps-4096")):
        key = Key(name)
        load(book, f"KEY-05.bits-{size}", key.jwk(alg="PS256"), output={"thumbprint": key.thumbprint()})
        policy = {"base": "fapi", "jwks": {"keys": [key.jwk(alg="PS256", kid="ps")]}}
        book.token(f"KEY-05.bits-{size}-token", token("PS256", key=key), policy=policy)
    good = "KEY-05.bits-2048"
    for alg in ("PS256", "RS256"):
        policy = {"algorithms": [alg]}
        load(book, f"KEY-05.{alg}-bits-1024", Key("weak-1024").jwk(alg=alg), "key_too_weak", policy, good)
        load(book, f"KEY-05.{alg}-bits-2047", Key("weak-2047").jwk(alg=alg), "key_too_weak", policy, good)
        load(book, f"KEY-05.{alg}-bits-4097", Key("large-4097").jwk(alg=alg), "key_too_large", policy, good)
    key = issuer_key("PS256")
    n = key.modulus
    for what, value in {"bits-8192": (1 << 8191) + 1, "bits-16384": (1 << 16383) + 1, "bits-4104": (1 << 4103) + 1}.items():
        load(book, f"KEY-05.{what}", key.jwk(n=b64u_int(value)), "key_too_large", twin=good)
    for what, value in {"n-512": (1 << 511) + 1, "n-1": 1, "n-15": 15}.items():
        load(book, f"KEY-05.{what}", key.jwk(n=b64u_int(value)), "key_too_weak", twin=good)
    load(book, "KEY-05.n-even", key.jwk(n=b64u_int(n - 1)), "key_modulus_even", twin=good)
    load(book, "KEY-05.n-power-of-two", key.jwk(n=b64u_int(1 << 2047)), "key_modulus_even", twin=good)
    for what, e in {"1": 1, "2": 2, "4": 4, "65536": 65536, "2-32": 1 << 32, "34-bits": (1 << 33) + 1, "64-bits": (1 << 63) + 1, "n-minus-2": n - 2, "65-bits": (1 << 64) + 1}.items():
        load(book, f"KEY-05.e-{what}", key.jwk(e=b64u_int(e)), "key_exponent", twin=good)
    for what, e in {"3": 3, "17": 17, "65537": 65537, "65539": 65539, "33-bits": (1 << 32) + 1, "33-ones": (1 << 33) - 1}.items():
        load(book, f"KEY-05.e-{what}", key.jwk(e=b64u_int(e)))
    for what, more in {
        "n-zero": {"n": "AA"}, "n-empty": {"n": ""}, "n-leading-zero": {"n": b64u(b"\0" + unb64u(key.private["n"]))}, "n-padded": {"n": key.private["n"] + "=="},
        "n-number": {"n": 7}, "n-null": {"n": None}, "n-standard-alphabet": {"n": key.private["n"][:-8] + "+/" + key.private["n"][-6:]}, "n-blank": {"n": " " + key.private["n"]},
        "e-zero": {"e": "AA"}, "e-empty": {"e": ""}, "e-leading-zero": {"e": "AAEAAQ"}, "e-number": {"e": 65537}, "e-padded": {"e": "AQAB="}, "e-null": {"e": None}, "e-unused-bits": {"e": "Aw"[:1] + "x"},
    }.items():
        load(book, f"KEY-05.{what}", key.jwk(**more), "key_malformed", twin=good)
    for name in ("n", "e"):
        load(book, f"KEY-05.{name}-missing", {k: v for k, v in key.jwk().items() if k != name}, "key_malformed", twin=good)


def curve_points(book):
    key = issuer_key("ES256")
    x, y = number(key.private["x"]), number(key.private["y"])
    octets = lambda value, size=32: b64u(value.to_bytes(size, "big"))
    good = load(book, "KEY-06.good", key.jwk(alg="ES256"), output={"thumbprint": key.thumbprint()})
    load(book, "KEY-06.negated", key.jwk(y=octets(PRIME - y)))
    for what, more in {
        "y-plus-1": {"y": octets(y + 1)}, "x-plus-1": {"x": octets(x + 1)}, "swapped": {"x": octets(y), "y": octets(x)}, "infinity": {"x": octets(0), "y": octets(0)},
        "x-1-y-1": {"x": octets(1), "y": octets(1)}, "y-zero": {"y": octets(0)}, "x-zero-y-one": {"x": octets(0), "y": octets(1)}, "p-minus-1": {"x": octets(PRIME - 1), "y": octets(PRIME - 1)},
    }.items():
        load(book, f"KEY-06.off-{what}", key.jwk(**more), "key_off_curve", twin=good)
    # x = 5 is on the curve, so x + p is the same point, spelled above the prime.
    small_x = 5
    small_y = pow(small_x**3 - 3 * small_x + B, (PRIME + 1) // 4, PRIME)
    assert small_y * small_y % PRIME == (small_x**3 - 3 * small_x + B) % PRIME
    load(book, "KEY-06.small-x", key.jwk(x=octets(small_x), y=octets(small_y)))
    for what, more in {
        "x-plus-p": {"x": octets(small_x + PRIME), "y": octets(small_y)}, "x-is-p": {"x": octets(PRIME)}, "y-is-p": {"y": octets(PRIME)}, "x-all-ones": {"x": octets(2**256 - 1)},
        "y-all-ones": {"y": octets(2**256 - 1)}, "x-31": {"x": octets(small_x, 31), "y": octets(small_y)}, "x-33": {"x": octets(x, 33)}, "y-31": {"y": b64u(unb64u(key.private["y"])[1:])}, "y-33": {"y": octets(y, 33)},
        "x-empty": {"x": ""}, "y-empty": {"y": ""}, "x-64": {"x": octets(x, 64)}, "x-padded": {"x": key.private["x"] + "="}, "sec1": {"x": b64u(b"\4" + unb64u(key.private["x"]) + unb64u(key.private["y"]))},
        "x-short-stripped": {"x": b64u_int(small_x), "y": octets(small_y)},
    }.items():
        load(book, f"KEY-06.coordinate-{what}", key.jwk(**more), "key_coordinate", twin=good)
    last = key.private["x"][-1]
    unused = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for what, more in {
        "x-unused-bits": {"x": key.private["x"][:-1] + unused[unused.index(last) + 1]}, "x-standard-alphabet": {"x": "+" + key.private["x"][1:]}, "x-newline": {"x": "\n" + key.private["x"][1:]},
        "x-number": {"x": 7}, "y-null": {"y": None}, "y-list": {"y": [key.private["y"]]}, "crv-number": {"crv": 256}, "crv-null": {"crv": None}, "kty-number": {"kty": 1}, "kty-null": {"kty": None},
    }.items():
        load(book, f"KEY-06.{what}", key.jwk(**more), "key_malformed", twin=good)
    for name in ("kty", "crv", "x", "y"):
        load(book, f"KEY-06.{name}-missing", {k: v for k, v in key.jwk().items() if k != name}, "key_malformed", twin=good)
    for what, jwk in {
        "p384": Key("p384").jwk(), "p521": Key("p521").jwk(), "secp256k1": key.jwk(crv="secp256k1"), "crv-lower": key.jwk(crv="p-256"), "crv-ed25519": key.jwk(crv="Ed25519"), "crv-empty": key.jwk(crv=""),
        "kty-lower": key.jwk(kty="ec"), "kty-okp": key.jwk(kty="OKP"), "kty-akp": key.jwk(kty="AKP"), "kty-empty": key.jwk(kty=""), "x25519": {"kty": "OKP", "crv": "X25519", "x": "A" * 43},
        "ed448": {"kty": "OKP", "crv": "Ed448", "x": "A" * 76}, "okp-p256": {"kty": "OKP", "crv": "P-256", "x": key.private["x"]},
    }.items():
        load(book, f"KEY-06.unsupported-{what}", jwk, "key_type_unsupported", twin=good)
    load(book, "KEY-06.not-listed", key.jwk(), "key_type_unsupported", {"algorithms": ["PS256"]}, good)
    load(book, "KEY-06.alg-not-listed", key.jwk(alg="ES256"), "key_algorithm_conflict", {"algorithms": ["PS256"]}, good)
    load(book, "KEY-06.rsa-called-ec", issuer_key("PS256").jwk(kty="EC"), "key_malformed", twin=good)
    load(book, "KEY-06.escaped-members", members([(Raw('"k\\u0074y"'), Raw('"\\u0045C"')), ("crv", Raw('"P\\u002d256"')), ("x", key.private["x"]), ("y", key.private["y"])]))
    for what, jwk in {"list": "[]", "text": '"EC"', "number": "7", "null": "null"}.items():
        load(book, f"KEY-06.jwk-{what}", jwk, "key_malformed", twin=good)
    load(book, "KEY-06.empty-object", "{}", "key_malformed", twin=good)


def ed25519_points(book):
    key = issuer_key("EdDSA")
    good = load(book, "KEY-07.good", key.jwk(alg="EdDSA"), output={"thumbprint": key.thumbprint()})
    for what, value in SMALL_ORDER.items():
        expect = "key_small_order"
        load(book, f"KEY-07.{what}", key.jwk(x=b64u(bytes.fromhex(value))), expect, twin=good)
    for what, value in NOT_CANONICAL.items():
        load(book, f"KEY-07.not-canonical-{what}", key.jwk(x=b64u(bytes.fromhex(value))), "key_coordinate", twin=good)
    for y in off_curve():
        load(book, f"KEY-07.off-curve-y-{y}", key.jwk(x=b64u(y.to_bytes(32, "little"))), "key_off_curve", twin=good)
    for what, value in {"31": b"\1" * 31, "33": b"\1" * 33, "empty": b"", "64": b"\1" * 64}.items():
        load(book, f"KEY-07.octets-{what}", key.jwk(x=b64u(value)), "key_coordinate", twin=good)
    for what, more in {"x-number": {"x": 7}, "x-null": {"x": None}, "crv-null": {"crv": None}}.items():
        load(book, f"KEY-07.{what}", key.jwk(**more), "key_malformed", twin=good)
    load(book, "KEY-07.crv-lower", key.jwk(crv="ed25519"), "key_type_unsupported", twin=good)
    load(book, "KEY-07.y-is-ignored", key.jwk(y="AA"))
    # One signature for every message: R is the identity and S is 0, or R is of small order.
    twin = book.token("KEY-07.token-good", token("EdDSA"))
    for what, point in SMALL_ORDER.items():
        book.token(f"KEY-07.signature-r-{what}", resigned("EdDSA", bytes.fromhex(point) + bytes(32)), "signature_invalid", twin=twin)
    policy = {"base": "fapi", "jwks": {"keys": [issuer_jwk("ES256"), key.jwk(x=b64u(bytes.fromhex(SMALL_ORDER["order-1"])), kid="ed")]}}
    book.token("KEY-07.identity-in-the-set", resigned("EdDSA", bytes.fromhex(SMALL_ORDER["order-1"]) + bytes(32)), "key_unknown", policy, twin=twin)


def off_curve():
    """The first y that have no x: x^2 = (y^2 - 1) / (d y^2 + 1)."""
    d = -121665 * pow(121666, -1, ED_PRIME) % ED_PRIME
    is_off = lambda y: pow((y * y - 1) * pow(d * y * y + 1, -1, ED_PRIME) % ED_PRIME, (ED_PRIME - 1) // 2, ED_PRIME) == ED_PRIME - 1
    return [y for y in range(2, 40) if is_off(y)][:5]


def private_members(book):
    for alg in FAPI:
        key = issuer_key(alg)
        good = load(book, f"KEY-09.{alg}-good", issuer_jwk(alg), output={"thumbprint": key.thumbprint()})
        load(book, f"KEY-09.{alg}-whole", key.private | {"alg": alg}, "key_private", twin=good)
        for name in ("d", "p", "q", "dp", "dq", "qi", "oth", "k"):
            load(book, f"KEY-09.{alg}-{name}", issuer_jwk(alg, **{name: "AQAB"}), "key_private", twin=good)
        load(book, f"KEY-09.{alg}-d-null", issuer_jwk(alg, d=None), "key_private", twin=good)
        load(book, f"KEY-09.{alg}-d-escaped", members([*issuer_jwk(alg).items(), (Raw('"\\u0064"'), "AQAB")]), "key_private", twin=good)
        load(book, f"KEY-09.{alg}-other-names", issuer_jwk(alg, D="AQAB", P="x", x5c=["MIIB"], ext=True, iat=1))
        policy = {"base": "fapi", "jwks": {"keys": [issuer_jwk(alg) | {"d": "AQAB"}, Key("other-issuer-es").jwk(kid="spare", alg="ES256")]}}
        book.token(f"KEY-09.{alg}-token", token(alg), "key_unknown", policy, twin=book.token(f"KEY-09.{alg}-token-good", token(alg)))


def sets(book):
    es, ps, ed = SETS["fapi"]["keys"]
    spare = Key("other-issuer-es").jwk(kid="spare", alg="ES256")
    load_set = lambda what, value, expect="ok", refused=None, capacity=8, twin="jwks.good": book.add(
        f"jwks.{what}", "jwks", {"jwks": text(value if isinstance(value, (str, bytes)) else compact(value))}, expect, FAPI_ONLY | ({"capacity": capacity} if capacity != 8 else {}),
        output=None if refused is None else {"refused": refused}, twin=None if expect == "ok" else twin,
    )
    load_set("good", SETS["fapi"], refused=[])
    load_set("more-members", {"other": [1], "keys": [es], "version": 1}, refused=[])
    load_set("white-space", " \r\n\t" + json.dumps(SETS["fapi"], indent=2) + "\n", refused=[])
    load_set("empty", {"keys": []}, "key_set_empty")
    for what, value in {"no-keys": {}, "keys-null": {"keys": None}, "keys-object": {"keys": es}, "keys-text": {"keys": "[]"}, "keys-number": {"keys": 1}, "a-key-alone": es, "keys-upper": {"KEYS": [es]}}.items():
        load_set(what, value, "key_set_malformed")
    for what, value in {"element-null": [es, None], "element-text": ["es", es], "element-list": [[es]], "element-number": [1]}.items():
        load_set(what, {"keys": value}, "key_set_malformed")
    for what, value in {"list": [es], "text": "keys", "null": None, "number": 1}.items():
        load_set(f"document-{what}", json.dumps(value), "json_not_object")
    for what, value in {"cut": compact(SETS["fapi"])[:-1], "trailing-comma": compact({"keys": [es]})[:-2] + ",]}", "nothing": "", "garbage-behind": compact(SETS["fapi"]) + "x", "two": compact(SETS["fapi"]) * 2}.items():
        load_set(f"json-{what}", value, "json_malformed")
    load_set("json-not-utf8", compact(SETS["fapi"]).encode()[:-1] + b',"x":"\xff"}', "text_not_utf8")
    load_set("json-bom", b"\xef\xbb\xbf" + compact(SETS["fapi"]).encode(), "json_malformed")
    load_set("json-repeated-keys", '{"keys":[],"keys":' + compact(SETS["fapi"]["keys"]) + "}", "json_member_repeated")
    load_set("json-repeated-kty", compact({"keys": [es]}).replace('"kty":"EC"', '"kty":"EC","kty":"EC"'), "json_member_repeated")
    load_set("json-repeated-escaped", compact({"keys": [es]}).replace('"kty":"EC"', '"kty":"EC","\\u006bty":"EC"'), "json_member_repeated")
    load_set("json-lone-surrogate", compact({"keys": [es]}).replace('"kid":"es"', '"kid":"\\ud800"'), "json_lone_surrogate")
    load_set("kid-repeated", {"keys": [es, ps | {"kid": "es"}]}, "key_id_repeated")
    load_set("kid-repeated-by-a-refused-key", {"keys": [es, ed, {"kty": "oct", "k": "AA", "kid": "ed"}]}, "key_id_repeated")
    load_set("kid-repeated-escaped", compact({"keys": [es, ps]}).replace('"kid":"ps"', '"kid":"\\u0065s"'), "key_id_repeated")
    load_set("kid-differs-in-case", {"keys": [es, ps | {"kid": "ES"}]}, refused=[])
    load_set("kid-absent-twice", {"keys": [{k: v for k, v in key.items() if k != "kid"} for key in (es, ps)]}, refused=[])
    load_set("kid-empty", {"keys": [es | {"kid": ""}]}, refused=[])
    load_set("kid-256", {"keys": [es | {"kid": "k" * 256}]}, refused=[])
    load_set("kid-257", {"keys": [es | {"kid": "k" * 257}]}, "key_id_too_long", twin="jwks.kid-256")
    load_set("kid-256-octets", {"keys": [es | {"kid": "\u00e9" * 128}]}, refused=[])
    load_set("kid-258-octets", {"keys": [es | {"kid": "\u00e9" * 129}]}, "key_id_too_long", twin="jwks.kid-256-octets")
    for what, value in {"number": 1, "null": None, "list": ["es"]}.items():
        load_set(f"kid-{what}", {"keys": [es | {"kid": value}]}, "key_malformed")
        load_set(f"kid-{what}-beside-a-good-key", {"keys": [ps, es | {"kid": value}]}, refused=[[1, "key_malformed"]])
    load_set("capacity-2-full", {"keys": [es, ps]}, capacity=2, refused=[])
    load_set("capacity-2-beyond", {"keys": [es, ps, ed]}, "key_set_full", capacity=2, twin="jwks.capacity-2-full")
    load_set("capacity-1", {"keys": [es]}, capacity=1, refused=[])
    load_set("capacity-1-beyond", {"keys": [es, ps]}, "key_set_full", capacity=1, twin="jwks.capacity-1")
    load_set("capacity-4", {"keys": [es, ps, ed, spare]}, capacity=4, refused=[])
    broken = {
        "key_use": es | {"kid": "a", "use": "enc"}, "key_operations": es | {"kid": "b", "key_ops": ["sign"]}, "key_private": es | {"kid": "c", "d": "AQAB"}, "key_symmetric": {"kty": "oct", "k": "AAAA"},
        "key_type_unsupported": Key("p384").jwk(kid="e", use="sig"), "key_algorithm_conflict": es | {"kid": "f", "alg": "ES384"}, "key_too_weak": Key("weak-1024").jwk(kid="g", alg="PS256"),
        "key_too_large": Key("large-4097").jwk(kid="h", alg="PS256"), "key_modulus_even": ps | {"kid": "i", "n": b64u_int(issuer_key("PS256").modulus - 1)}, "key_exponent": ps | {"kid": "j", "e": "AQ"},
        "key_coordinate": es | {"kid": "k", "x": "AAAA"}, "key_off_curve": es | {"kid": "l", "x": es["y"]}, "key_small_order": ed | {"kid": "m", "x": "AQ" + "A" * 41}, "key_malformed": {"kid": "n"},
        "key_id_too_long": es | {"kid": "o" * 257},
    }
    for slug, key in broken.items():
        load_set(f"left-out-{slug}", {"keys": [es, key]}, refused=[[1, slug]])
        load_set(f"alone-{slug}", {"keys": [key]}, slug)
    several = [broken["key_use"], es, broken["key_too_weak"], ed, broken["key_private"]]
    load_set("left-out-three", {"keys": several}, refused=[[0, "key_use"], [2, "key_too_weak"], [4, "key_private"]])
    load_set("none-usable", {"keys": [broken["key_exponent"], broken["key_use"]]}, "key_exponent")
    load_set("rsa-without-alg-one-scheme", {"keys": [Key("issuer-ps").jwk(kid="ps")]}, refused=[])
    both = {"algorithms": ["PS256", "RS256"]}
    book.add("jwks.rsa-without-alg-two-schemes", "jwks", {"jwks": compact({"keys": [Key("issuer-ps").jwk(kid="ps")]})}, "key_algorithm_ambiguous", both, twin="jwks.rsa-without-alg-one-scheme")


def mint():
    book = Book("keys", "Loading of keys and key sets: rows KEY-05 to KEY-07 and KEY-09, RFC 7517, RFC 7518 section 6, RFC 8037.", policies=POLICIES | {})
    book.source = "attack table 1.1"
    rsa_strength(book)
    curve_points(book)
    ed25519_points(book)
    private_members(book)
    book.source = "RFC 7517 section 5"
    sets(book)
    return [book]
