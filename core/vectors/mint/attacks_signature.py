"""Table 1.2: signature arithmetic. SIG-10 and SIG-11 are about signing, which the core cannot do."""

import hashlib

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from book import ALL, FAPI, Book, alter_segment, claims, header, issuer_jwk, issuer_key, policy_for, resigned, token
from encoding import b64u, text, unb64u
from load_keys import SMALL_ORDER, compact
from signing import ED25519_ORDER, P256_ORDER, SHA256_INFO, Key, mgf1, p1363, pkcs1_encoding, pss_encoding, sign, signing_input

L, N = ED25519_ORDER, P256_ORDER
HEAD = "eyJhbGciOiJFUzI1NiJ9.e30"


def bare(book, identifier, alg, signature, expect="ok", key=None, message=HEAD, twin=None):
    """A signature by itself, without a token around it."""
    key = key or issuer_key(alg)
    given = {"jwk": compact(key.jwk(alg=alg)), "signing_input": text(message), "signature": b64u(signature)}
    return book.add(identifier, "signature", given, expect, {"algorithms": [alg]}, twin=twin)


def good_signatures(book):
    for alg in ALL:
        bare(book, f"SIG-00.{alg}", alg, sign(alg, issuer_key(alg), HEAD))
        book.token(f"SIG-00.{alg}-token", token(alg), policy=policy_for(alg))
        for what, message in {"empty": b"", "octet": b"\0", "kib-8": b"a" * 8192, "binary": bytes(range(256))}.items():
            bare(book, f"SIG-00.{alg}-message-{what}", alg, sign(alg, issuer_key(alg), message), message=message)


def ecdsa_numbers(book):
    r, s = issuer_key("ES256").ecdsa(HEAD.encode())
    values = {
        "r-0-s-0": (0, 0), "r-0": (0, s), "s-0": (r, 0), "r-n": (N, s), "s-n": (r, N), "r-n-s-n": (N, N), "r-1-s-1": (1, 1), "r-n-s-0": (N, 0), "r-0-s-n": (0, N), "r-n-minus-1": (N - 1, s),
        "s-n-minus-1": (r, N - 1), "r-n-plus-1": (N + 1, s), "s-n-plus-1": (r, N + 1), "r-ones": (2**256 - 1, s), "s-ones": (r, 2**256 - 1), "swapped": (s, r), "r-negated": (N - r, s), "r-plus-1": (r + 1, s), "s-plus-1": (r, s + 1),
        "r-1-s-0": (1, 0), "r-p": (2**256 - 2**224 + 2**192 + 2**96 - 1, s),
    }
    for what, pair in values.items():
        bare(book, f"SIG-01.{what}", "ES256", p1363(*pair), "signature_invalid", twin="SIG-00.ES256")
        book.token(f"SIG-01.{what}-token", resigned("ES256", p1363(*pair)), "signature_invalid", twin="SIG-00.ES256-token")


def ecdsa_shapes(book):
    r, s = issuer_key("ES256").ecdsa(HEAD.encode())
    raw = p1363(r, s)
    shapes = {
        "der": encode_dss_signature(r, s), "33-33": p1363(r, s, 33), "31-octets-of-r": raw[1:], "63": raw[:-1], "65": raw + b"\0", "leading-zero": b"\0" + raw, "32": raw[:32], "96": raw + raw[:32],
        "128": raw + raw, "48-48": p1363(r, s, 48), "66-66": p1363(r, s, 66), "1": raw[:1], "empty": b"",
    }
    for what, octets in shapes.items():
        bare(book, f"SIG-02.{what}", "ES256", octets, "signature_length", twin="SIG-00.ES256")
        book.token(f"SIG-02.{what}-token", resigned("ES256", octets), "signature_length", twin="SIG-00.ES256-token")
    book.token("SIG-02.der-of-this-token", resigned("ES256", lambda m: encode_dss_signature(*issuer_key("ES256").ecdsa(m))), "signature_length", twin="SIG-00.ES256-token")
    for i in range(6):
        payload = claims(jti=f"high-and-low-{i}")
        negated = lambda m: (lambda pair: p1363(pair[0], N - pair[1]))(issuer_key("ES256").ecdsa(m))
        book.token(f"SIG-03.as-signed-{i}", token(payload=payload))
        book.token(f"SIG-03.s-negated-{i}", resigned("ES256", negated, payload=payload))
    bare(book, "SIG-03.bare", "ES256", p1363(r, N - s))


def ed25519_scalars(book):
    for alg in ("EdDSA", "Ed25519"):
        good = sign(alg, issuer_key(alg), HEAD)
        point, scalar = good[:32], int.from_bytes(good[32:], "little")
        values = {f"s-plus-{k}l": scalar + k * L for k in range(1, 16) if scalar + k * L < 2**256}
        values |= {"s-is-l": L, "s-ones": 2**256 - 1, "s-high-bit": scalar | 1 << 255, "s-negated": L - scalar, "s-0": 0, "s-plus-1": (scalar + 1) % L}
        for what, value in values.items():
            bare(book, f"SIG-04.{alg}-{what}", alg, point + value.to_bytes(32, "little"), "signature_invalid", twin=f"SIG-00.{alg}")
        flipped = point[:31] + bytes([point[31] ^ 0x80])
        bare(book, f"SIG-04.{alg}-r-negated", alg, flipped + good[32:], "signature_invalid", twin=f"SIG-00.{alg}")
        bare(book, f"SIG-04.{alg}-zero", alg, bytes(64), "signature_invalid", twin=f"SIG-00.{alg}")
        for what, octets in {"63": good[:-1], "65": good + b"\0", "32": good[:32], "empty": b"", "114": good + bytes(50)}.items():
            bare(book, f"SIG-04.{alg}-length-{what}", alg, octets, "signature_length", twin=f"SIG-00.{alg}")
        malleated = lambda m: (lambda made: made[:32] + (int.from_bytes(made[32:], "little") + L).to_bytes(32, "little"))(sign(alg, issuer_key(alg), m))
        book.token(f"SIG-04.{alg}-token", resigned(alg, malleated), "signature_invalid", policy_for(alg), twin=f"SIG-00.{alg}-token")


def rsa_range(book):
    for alg in ("PS256", "RS256"):
        key, good = issuer_key(alg), f"SIG-00.{alg}"
        n = key.modulus
        of = lambda value: value.to_bytes(key.size, "big")
        for i in range(1000):
            message = f"{HEAD}{i}"
            s = int.from_bytes(sign(alg, key, message), "big")
            if s + n < 1 << 8 * key.size:
                break
        twin = bare(book, f"SIG-05.{alg}-s", alg, of(s), message=message)
        bare(book, f"SIG-05.{alg}-s-plus-n", alg, of(s + n), "signature_invalid", message=message, twin=twin)
        bare(book, f"SIG-05.{alg}-s-negated", alg, of(n - s), "signature_invalid", message=message, twin=twin)
        for what, value in {"0": 0, "1": 1, "n": n, "n-minus-1": n - 1, "n-plus-1": n + 1, "ones": (1 << 8 * key.size) - 1}.items():
            bare(book, f"SIG-05.{alg}-{what}", alg, of(value), "signature_invalid", twin=good)
        raw = sign(alg, key, HEAD)
        for what, octets in {"leading-zero": b"\0" + raw, "trailing-zero": raw + b"\0", "255": raw[:-1], "255-of-the-end": raw[1:], "half": raw[:128], "twice": raw + raw, "64": raw[:64]}.items():
            bare(book, f"SIG-05.{alg}-length-{what}", alg, octets, "signature_length", twin=good)
        for i in range(5000):
            message = f"{HEAD}{i}"
            raw = sign(alg, key, message)
            if raw[0] == 0:
                break
        twin = bare(book, f"SIG-05.{alg}-first-octet-0", alg, raw, message=message)
        bare(book, f"SIG-05.{alg}-first-octet-0-left-out", alg, raw[1:], "signature_length", message=message, twin=twin)


def pkcs1_paddings(size, message):
    """Encodings that a lenient verifier takes for EMSA-PKCS1-v1_5; each is `size` octets long."""
    digest = hashlib.sha256(message).digest()
    oid = bytes.fromhex("0609608648016503040201")

    def whole(tail, front=b"\0\1", fill=b"\xff", stop=b"\0"):
        return front + fill * ((size - len(front) - len(stop) - len(tail)) // len(fill)) + stop + tail

    def short(tail, behind, count=8):
        return b"\0\1" + b"\xff" * count + b"\0" + tail + behind * (size - 3 - count - len(tail))

    tail = SHA256_INFO + digest
    null_missing = bytes.fromhex("302f300b") + oid + bytes.fromhex("0420") + digest
    yield "garbage-behind", short(tail, b"\0")
    yield "garbage-ff-behind", short(tail, b"\xff")
    yield "garbage-padding-64", short(tail, b"\x5a", 64)
    yield "one-octet-behind", b"\0\1" + b"\xff" * (size - 4 - len(tail)) + b"\0" + tail + b"\0"
    yield "no-padding", short(tail, b"\0", 0)
    yield "padding-7", short(tail, b"\0", 7)
    yield "null-missing", whole(null_missing)
    yield "null-missing-garbage", short(null_missing, b"\0")
    yield "null-with-octet", whole(bytes.fromhex("3032300e") + oid + bytes.fromhex("050100") + bytes.fromhex("0420") + digest)
    yield "null-as-80", whole(bytes.fromhex("3031300d") + oid + bytes.fromhex("0580") + bytes.fromhex("0420") + digest)
    yield "parameters-garbage", whole(bytes.fromhex("3033300f") + oid + bytes.fromhex("0402cafe") + bytes.fromhex("0420") + digest)
    yield "long-form-outer", whole(bytes.fromhex("308131300d") + oid + bytes.fromhex("05000420") + digest)
    yield "long-form-inner", whole(bytes.fromhex("303230810d") + oid + bytes.fromhex("05000420") + digest)
    yield "long-form-hash", whole(bytes.fromhex("3032300d") + oid + bytes.fromhex("0500048120") + digest)
    yield "long-form-82", whole(bytes.fromhex("30820031300d") + oid + bytes.fromhex("05000420") + digest)
    yield "indefinite", whole(bytes.fromhex("3080300d") + oid + bytes.fromhex("05000420") + digest + b"\0\0")
    yield "hash-alone", whole(digest)
    yield "hash-as-octets", whole(b"\4\x20" + digest)
    yield "hash-cut", whole(bytes.fromhex("3030300d") + oid + bytes.fromhex("0500041f") + digest[:-1])
    yield "hash-with-zero", whole(bytes.fromhex("3032300d") + oid + bytes.fromhex("05000421") + digest + b"\0")
    yield "type-0", whole(tail, front=b"\0\0", fill=b"\0")
    yield "type-2", whole(tail, front=b"\0\2")
    yield "first-octet-1", whole(tail, front=b"\1\1")
    yield "first-octet-ff", whole(tail, front=b"\x0f\1")
    yield "padding-00", whole(tail, fill=b"\0")
    yield "padding-fe", whole(tail, fill=b"\xfe")
    yield "padding-one-00", b"\0\1" + b"\xff" * 20 + b"\0" + b"\xff" * (size - 24 - len(tail)) + b"\0" + tail
    yield "padding-one-7f", b"\0\1" + b"\xff" * 20 + b"\x7f" + b"\xff" * (size - 24 - len(tail)) + b"\0" + tail
    yield "padding-last-fe", b"\0\1" + b"\xff" * (size - 4 - len(tail)) + b"\xfe\0" + tail
    yield "separator-ff", b"\0\1" + b"\xff" * (size - 2 - len(tail)) + tail
    yield "separator-01", whole(tail, stop=b"\1")
    yield "separator-twice", whole(tail, stop=b"\0\0")
    yield "sequence-31", whole(b"\x31" + tail[1:])
    yield "outer-length-plus-1", whole(tail[:1] + b"\x32" + tail[2:])
    yield "inner-length-minus-1", whole(tail[:3] + b"\x0c" + tail[4:])
    yield "oid-sha224", whole(tail.replace(oid, oid[:-1] + b"\4"))
    yield "oid-sha512", whole(tail.replace(oid, oid[:-1] + b"\3"))
    yield "oid-cut", whole(bytes.fromhex("3030300c") + b"\6\x08" + oid[2:-1] + bytes.fromhex("05000420") + digest)
    yield "oid-tag", whole(tail.replace(b"\6\x09", b"\4\x09", 1))
    yield "sha1-info", whole(bytes.fromhex("3021300906052b0e03021a05000414") + hashlib.sha1(message).digest())
    yield "md5-info", whole(bytes.fromhex("3020300c06082a864886f70d020505000410") + hashlib.md5(message).digest())
    yield "sha256-info-of-sha1", whole(SHA256_INFO + hashlib.sha1(message).digest())
    yield "sequence-extended", whole(bytes.fromhex("3033300d") + oid + bytes.fromhex("05000420") + digest + bytes.fromhex("0500"))
    yield "zeros", bytes(size)
    yield "ones", b"\0" + b"\xff" * (size - 1)


def pkcs1_leniency(book):
    key = issuer_key("RS256")
    for what, encoded in pkcs1_paddings(key.size, HEAD.encode()):
        assert len(encoded) == key.size, (what, len(encoded))
        bare(book, f"SIG-06.{what}", "RS256", key.rsa_power(encoded), "signature_invalid", twin="SIG-00.RS256")
    for what in ("garbage-behind", "null-missing", "padding-7", "long-form-outer"):
        made = lambda m: key.rsa_power(dict(pkcs1_paddings(key.size, m))[what])
        book.token(f"SIG-06.{what}-token", resigned("RS256", made), "signature_invalid", "RS256", twin="SIG-00.RS256-token")


def pss_parameters(book):
    key = issuer_key("PS256")
    bits, message = key.modulus.bit_length(), HEAD.encode()
    encoding = lambda **more: pss_encoding(message, bits, **more)
    sha1 = hashlib.sha1
    variants = {f"salt-{size}": encoding(salt=bytes(size)) for size in (0, 1, 20, 31, 33, 48, 64, key.size - 34)}
    variants |= {
        "mgf1-sha1": encoding(mgf_digest=sha1), "mgf1-sha512": encoding(mgf_digest=hashlib.sha512), "sha1": encoding(digest=sha1, salt=bytes(20)), "sha1-salt-32": encoding(digest=sha1, salt=bytes(32)),
        "sha512": encoding(digest=hashlib.sha512), "sha384-salt-32": encoding(digest=hashlib.sha384, salt=bytes(32)), "sha512-mgf1-sha256": encoding(digest=hashlib.sha512, mgf_digest=hashlib.sha256, salt=bytes(32)),
        "trailer-cc": encoding(trailer=0xCC), "trailer-00": encoding(trailer=0), "separator-0": encoding(separator=0), "separator-2": encoding(separator=2), "padding-ff": encoding(padding=0xFF), "padding-01": encoding(padding=1),
        "top-bit": encoding(dirty_top=True), "zeros": bytes(key.size), "of-another-message": pss_encoding(b"another", bits),
    }
    for what, encoded in variants.items():
        bare(book, f"SIG-07.{what}", "PS256", key.rsa_power(int.from_bytes(encoded, "big") % key.modulus), "signature_invalid", twin="SIG-00.PS256")
    for what, salt in {"zero-salt": bytes(32), "ones-salt": b"\xff" * 32, "hash-salt": hashlib.sha256(message).digest()}.items():
        bare(book, f"SIG-07.{what}", "PS256", key.rsa_power(encoding(salt=salt)))
    for what, more in {"salt-20": {"salt": bytes(20)}, "mgf1-sha1": {"mgf_digest": sha1}, "salt-0": {"salt": b""}}.items():
        made = lambda m: key.rsa_power(pss_encoding(m, bits, **more))
        book.token(f"SIG-07.{what}-token", resigned("PS256", made), "signature_invalid", twin="SIG-00.PS256-token")
    odd = Key("issuer-ps-2049")
    twin = bare(book, "SIG-07.bits-2049", "PS256", sign("PS256", odd, HEAD), key=odd)
    long = b"\1" + pss_encoding(message, 2049)
    bare(book, "SIG-07.bits-2049-first-octet", "PS256", odd.rsa_power(int.from_bytes(long, "big") % odd.modulus), "signature_invalid", key=odd, twin=twin)
    for size in (3072, 4096):
        large = Key(f"issuer-ps-{size}")
        twin = bare(book, f"SIG-07.bits-{size}", "PS256", sign("PS256", large, HEAD), key=large)
        bare(book, f"SIG-07.bits-{size}-salt-20", "PS256", large.rsa_power(pss_encoding(message, size, salt=bytes(20))), "signature_invalid", key=large, twin=twin)
        rs = bare(book, f"SIG-06.bits-{size}", "RS256", sign("RS256", large, HEAD), key=large)
        for what in ("garbage-behind", "null-missing", "padding-7"):
            bare(book, f"SIG-06.bits-{size}-{what}", "RS256", large.rsa_power(dict(pkcs1_paddings(large.size, message))[what]), "signature_invalid", key=large, twin=rs)


def wrong_hashes(book):
    message = HEAD.encode()
    for name, digest in (("sha1", hashes.SHA1()), ("sha224", hashes.SHA224()), ("sha384", hashes.SHA384()), ("sha512", hashes.SHA512()), ("sha3", hashes.SHA3_256())):
        bare(book, f"SIG-08.ES256-{name}", "ES256", p1363(*issuer_key("ES256").ecdsa(message, digest)), "signature_invalid", twin="SIG-00.ES256")
    infos = {"sha1": "3021300906052b0e03021a05000414", "sha384": "3041300d060960864801650304020205000430", "sha512": "3051300d060960864801650304020305000440"}
    for name, info in infos.items():
        encoded = pkcs1_encoding(message, 256, bytes.fromhex(info), getattr(hashlib, name))
        bare(book, f"SIG-08.RS256-{name}", "RS256", issuer_key("RS256").rsa_power(encoded), "signature_invalid", twin="SIG-00.RS256")
    ed = issuer_key("EdDSA")
    bare(book, "SIG-08.EdDSA-of-the-hash", "EdDSA", ed.ed25519(hashlib.sha512(message).digest()), "signature_invalid", twin="SIG-00.EdDSA")
    bare(book, "SIG-08.EdDSA-of-sha256", "EdDSA", ed.ed25519(hashlib.sha256(message).digest()), "signature_invalid", twin="SIG-00.EdDSA")
    bare(book, "SIG-08.ES256-twice", "ES256", p1363(*issuer_key("ES256").ecdsa(hashlib.sha256(message).digest())), "signature_invalid", twin="SIG-00.ES256")


def nothing_or_another(book):
    others = {"ES256": "other-issuer-es", "PS256": "other-issuer-ps", "RS256": "other-issuer-ps", "EdDSA": "other-issuer-ed", "Ed25519": "other-issuer-ed"}
    for alg in ALL:
        policy, good = policy_for(alg), f"SIG-00.{alg}-token"
        value = token(alg)
        refuse = lambda what, changed, expect: book.token(f"SIG-09.{alg}-{what}", changed, expect, policy, twin=good)
        refuse("empty", value.rpartition(".")[0] + ".", "signature_length")
        refuse("cut-by-3-octets", alter_segment(value, 2, lambda s: b64u(unb64u(s)[:-3])), "signature_length")
        refuse("cut-by-half", alter_segment(value, 2, lambda s: s[: len(s) // 8 * 4]), "signature_length")
        refuse("extended", alter_segment(value, 2, lambda s: "AAAA" + s), "signature_length")
        refuse("twice", alter_segment(value, 2, lambda s: s[:-2] + s[:-2] if len(s) % 4 == 2 else s + s), "signature_length")
        refuse("zeros", alter_segment(value, 2, lambda s: "A" * len(s)), "signature_invalid")
        refuse("first-character", alter_segment(value, 2, lambda s: ("B" if s[0] != "B" else "C") + s[1:]), "signature_invalid")
        refuse("middle-character", alter_segment(value, 2, lambda s: s[:40] + ("B" if s[40] != "B" else "C") + s[41:]), "signature_invalid")
        refuse("payload-changed", ".".join([value.split(".")[0], b64u(compact(claims(sub="user-2"))), value.split(".")[2]]), "signature_invalid")
        refuse("header-changed", ".".join([b64u(compact(header(alg, extra=1))), *value.split(".")[1:]]), "signature_invalid")
        refuse("of-another-token", ".".join([*value.split(".")[:2], token(alg, payload=claims(jti="token-2")).split(".")[2]]), "signature_invalid")
        refuse("another-key", token(alg, key=Key(others[alg])), "signature_invalid")
        refuse("of-the-payload-alone", resigned(alg, lambda m: sign(alg, issuer_key(alg), m.split(b".")[1])), "signature_invalid")
        refuse("of-decoded-parts", resigned(alg, lambda m: sign(alg, issuer_key(alg), compact(header(alg)) + "." + compact(claims()))), "signature_invalid")


def mint():
    book = Book("signatures", "Attacks 1.2: the arithmetic of signatures, alone and in a token.")
    book.source = "attack table 1.2"
    for part in (good_signatures, ecdsa_numbers, ecdsa_shapes, ed25519_scalars, rsa_range, pkcs1_leniency, pss_parameters, wrong_hashes, nothing_or_another):
        part(book)
    return [book]
