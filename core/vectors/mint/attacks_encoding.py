"""Table 1.4: base64url, text and JSON."""

import json

from book import ALL, AUDIENCE, FAPI, ISSUER, NOW, Book, Raw, alter_segment, claims, header, issuer_key, members, policy_for, resigned, token
from encoding import b64u, text, unb64u
from signing import octets, sign

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
SEGMENTS = {"header": 0, "payload": 1, "signature": 2}


def compact(value):
    return json.dumps(value, separators=(",", ":"))


def sized_token(alg, part, remainder):
    """A good token one of whose segments has so many characters beyond a multiple of four."""
    for count in range(4):
        head, payload = header(alg), claims()
        if part == "header":
            head |= {"pad": "x" * count}
        else:
            payload |= {"pad": "x" * count}
        value = token(alg, head, payload)
        if len(value.split(".")[SEGMENTS[part]]) % 4 == remainder:
            return value
    raise ValueError(remainder)


def padded(book):
    for alg in FAPI:
        value = token(alg)
        good = book.token(f"ENC-01.{alg}-good", value)
        for part, index in SEGMENTS.items():
            for what, change in {
                "one": lambda s: s + "=", "two": lambda s: s + "==", "three": lambda s: s + "===", "to-four": lambda s: s + "=" * (-len(s) % 4 or 4), "inside": lambda s: s[:8] + "=" + s[8:], "before": lambda s: "=" + s, "percent": lambda s: s + "%3D",
            }.items():
                book.token(f"ENC-01.{alg}-{part}-{what}", alter_segment(value, index, change), "base64url_malformed", twin=good)


def white_space(book):
    value = token()
    good = "ENC-01.ES256-good"
    for name, character in {"space": " ", "newline": "\n", "crlf": "\r\n", "tab": "\t", "nbsp": "\u00a0", "zero-width": "\u200b", "form-feed": "\f"}.items():
        for part, index in SEGMENTS.items():
            book.token(f"ENC-02.{part}-{name}-inside", alter_segment(value, index, lambda s: s[:4] + character + s[4:]), "base64url_malformed", twin=good)
            book.token(f"ENC-02.{part}-{name}-behind", alter_segment(value, index, lambda s: s + character), "base64url_malformed", twin=good)
        book.token(f"ENC-02.before-{name}", character + value, "base64url_malformed", twin=good)
    book.token("ENC-02.lines-of-64", alter_segment(value, 1, lambda s: "\n".join(s[i : i + 64] for i in range(0, len(s), 64))), "base64url_malformed", twin=good)


def standard_alphabet(book):
    for alg in ALL:
        for i in range(100):
            value = token(alg, payload=claims(jti=f"alphabet-{i}", note="\u07ff\u07fe?>"))
            signature = value.split(".")[2]
            if "-" in signature and "_" in signature:
                break
        policy = policy_for(alg)
        good = book.token(f"ENC-03.{alg}-good", value, policy=policy)
        for what, change in {"plus": lambda s: s.replace("-", "+"), "slash": lambda s: s.replace("_", "/"), "both": lambda s: s.replace("-", "+").replace("_", "/")}.items():
            book.token(f"ENC-03.{alg}-signature-{what}", alter_segment(value, 2, change), "base64url_malformed", policy, twin=good)
    # The payload is chosen so that its text has both characters, the header likewise.
    value = token(head=header(note="\u07ff~~?>\u07ff?"), payload=claims(note="\u07ff~~?>\u07ff?>~~\u07fe"))
    for part in ("header", "payload"):
        segment = value.split(".")[SEGMENTS[part]]
        for what, change in {"plus": ("-", "+"), "slash": ("_", "/")}.items():
            if change[0] in segment:
                twin = f"ENC-03.{part}-{what}-good"
                book.token(twin, value)
                book.token(f"ENC-03.{part}-{what}", alter_segment(value, SEGMENTS[part], lambda s: s.replace(*change)), "base64url_malformed", twin=twin)


def unused_bits(book):
    for alg in FAPI:
        for part, index in SEGMENTS.items():
            remainders = (2, 3) if part != "signature" else (len(token(alg).split(".")[2]) % 4,)
            for remainder in remainders:
                if remainder == 0:
                    continue
                value = token(alg) if part == "signature" else sized_token(alg, part, remainder)
                twin = book.token(f"ENC-04.{alg}-{part}-{remainder}-good", value)
                last = ALPHABET.index(value.split(".")[index][-1])
                for bit in range(4 if remainder == 2 else 2):
                    changed = alter_segment(value, index, lambda s: s[:-1] + ALPHABET[last ^ 1 << bit])
                    book.token(f"ENC-04.{alg}-{part}-{remainder}-bit-{bit}", changed, "base64url_malformed", twin=twin)


def impossible_texts(book):
    good = "ENC-01.ES256-good"
    for part, index in SEGMENTS.items():
        for remainder in (0, 2, 3):
            if part == "signature":
                break
            twin = book.token(f"ENC-05.{part}-length-{remainder}-good", sized_token("ES256", part, remainder))
            extra = (1 - remainder) % 4
            book.token(f"ENC-05.{part}-length-1-of-{remainder}", alter_segment(sized_token("ES256", part, remainder), index, lambda s: s + "A" * extra), "base64url_malformed", twin=twin)
        book.token(f"ENC-05.{part}-one-character", alter_segment(token(), index, lambda _: "A"), "base64url_malformed", twin=good)
        for what, characters in {"e-acute": "\u00e9", "nul": "\0", "latin": b"\xe9", "high": b"\xff", "wide-a": "\uff21", "percent": "%41", "dollar": "$", "del": "\x7f", "tilde": "~", "at": "@", "grave": "`", "bracket": "["}.items():
            segments = [segment.encode() for segment in token().split(".")]
            raw = characters.encode() if isinstance(characters, str) else characters
            segments[index] = segments[index][:4] + raw + segments[index][4 + len(raw) :]
            book.token(f"ENC-05.{part}-{what}", b".".join(segments), "base64url_malformed", twin=good)


def truncated_strings(book):
    good = "ENC-01.ES256-good"
    value = token()
    for what, changed in {"nul-behind": value + "\0", "nul-and-more-behind": value + "\0.more", "nul-before": "\0" + value, "nul-behind-header": alter_segment(value, 0, lambda s: s + "\0")}.items():
        expect = "token_not_compact" if what == "nul-and-more-behind" else "base64url_malformed"
        book.token(f"ENC-06.{what}", changed, expect, twin=good)
    for name, value, expect in [
        ("aud", AUDIENCE, "audience_mismatch"), ("iss", ISSUER, "issuer_mismatch"),
    ]:
        for what, ending in {"nul": "\0", "nul-and-more": "\0.attacker.example", "newline": "\n", "space": " "}.items():
            book.token(f"ENC-06.{name}-{what}", token(payload=claims(**{name: value + ending})), expect, twin=good)
        book.token(f"ENC-06.{name}-nul-raw", token(payload=members([*claims(drop=[name]).items(), (name, Raw(f'"{value}\0"'))])), "json_malformed", twin=good)
    book.token("ENC-06.aud-list-nul", token(payload=claims(aud=[AUDIENCE + "\0"])), "audience_mismatch", twin=good)
    book.token("ENC-06.alg-nul", token(head=header(alg="ES256\0")), "algorithm_refused", twin=good)
    book.token("ENC-06.typ-nul", token(head=header(typ="at+jwt\0")), "type_mismatch", twin=good)
    book.token("ENC-06.kid-nul", token(head=header(kid="es\0")), "key_unknown", twin=good)
    wanted = {"base": "fapi", "scopes": ["accounts"]}
    twin = book.token("ENC-06.scope-good", token(), policy=wanted)
    book.token("ENC-06.scope-nul", token(payload=claims(scope="accounts\0 payments")), "scope_insufficient", wanted, twin=twin)
    book.token("ENC-06.sub-nul-kept", token(payload=claims(sub="user-1\0admin")), output={"claims": claims(sub="user-1\0admin")})
    book.token("ENC-06.name-nul", token(payload=members([*claims(drop=["exp"]).items(), ("exp\0", NOW + 300)])), "expiry_missing", twin=good)


BAD_UTF8 = {
    "continuation-alone": b"\x80", "lead-alone": b"\xc3", "lead-and-ascii": b"\xc3(", "overlong-slash": b"\xc0\xaf", "overlong-nul": b"\xc0\x80", "overlong-3": b"\xe0\x80\xaf", "overlong-4": b"\xf0\x80\x80\xaf", "surrogate": b"\xed\xa0\x80",
    "cesu-pair": b"\xed\xa0\xbd\xed\xb8\x80", "above-10ffff": b"\xf4\x90\x80\x80", "five-octets": b"\xf8\x88\x80\x80\x80", "ff": b"\xff", "fe": b"\xfe", "cut-3": b"\xe2\x82", "cut-4": b"\xf0\x9f\x98", "latin-1": b"caf\xe9", "c1": b"\xc1\x81", "f5": b"\xf5\x80\x80\x80",
}


def not_utf8(book):
    good = "ENC-01.ES256-good"
    for what, raw in BAD_UTF8.items():
        head = octets(header())[:-1] + b',"x":"' + raw + b'"}'
        payload = octets(claims())[:-1] + b',"x":"' + raw + b'"}'
        book.token(f"ENC-07.header-{what}", token(head=head), "text_not_utf8", twin=good)
        book.token(f"ENC-07.payload-{what}", token(payload=payload), "text_not_utf8", twin=good)
    for what, character in {"two": "\u00e9", "three": "\u20ac", "four": "\U0001f600", "last": "\U0010ffff", "non-character": "\ufffe", "replacement": "\ufffd", "bom-inside": "\ufeff", "private": "\ue000"}.items():
        book.token(f"ENC-07.utf8-{what}-good", token(head=header(x=character), payload=claims(sub=character)), output={"claims": claims(sub=character)})
    for what, encode, expect in [
        ("bom", lambda t: b"\xef\xbb\xbf" + t.encode(), "json_malformed"), ("bom-behind", lambda t: t.encode() + b"\xef\xbb\xbf", "json_malformed"), ("utf-16-le", lambda t: t.encode("utf-16-le"), "json_malformed"),
        ("utf-16-be", lambda t: t.encode("utf-16-be"), "json_malformed"), ("utf-16-bom", lambda t: b"\xff\xfe" + t.encode("utf-16-le"), "text_not_utf8"), ("utf-32-le", lambda t: t.encode("utf-32-le"), "json_malformed"), ("utf-32-bom", lambda t: t.encode("utf-32"), "text_not_utf8"),
        ("utf-7", lambda t: t.replace("{", "+AHs-").encode(), "json_malformed"),
    ]:
        book.token(f"ENC-07.header-{what}", token(head=encode(compact(header()))), expect, twin=good)
        book.token(f"ENC-07.payload-{what}", token(payload=encode(compact(claims()))), expect, twin=good)


def surrogates(book):
    good = "ENC-01.ES256-good"
    lone = {
        "high": "\\ud800", "high-last": "\\udbff", "low": "\\udc00", "low-last": "\\udfff", "reversed": "\\ude00\\ud83d", "high-high": "\\ud83d\\ud83d", "high-then-text": "\\ud83dx", "high-then-escape": "\\ud83d\\n", "upper-hex": "\\uD800", "high-then-bmp": "\\ud83d\\u0041",
        "pair-and-low": "\\ud83d\\ude00\\ude00",
    }
    for what, raw in lone.items():
        value = Raw(f'"{raw}"')
        book.token(f"ENC-08.kid-{what}", token(head=members([*header(drop=["kid"]).items(), ("kid", value)])), "json_lone_surrogate", twin=good)
        book.token(f"ENC-08.sub-{what}", token(payload=members([*claims(drop=["sub"]).items(), ("sub", value)])), "json_lone_surrogate", twin=good)
        book.token(f"ENC-08.name-{what}", token(payload=members([*claims().items(), (value, 1)])), "json_lone_surrogate", twin=good)
    book.token("ENC-08.nested", token(payload=members([*claims().items(), ("x", Raw('[{"a":["\\udc00"]}]'))])), "json_lone_surrogate", twin=good)
    pair = token(payload=members([*claims(drop=["sub"]).items(), ("sub", Raw('"\\ud83d\\ude00"'))]))
    book.token("ENC-08.pair-good", pair, output={"claims": claims(sub="\U0001f600")})


def grammar_in_tokens(book):
    """A choice of the grammar's refusals, in both places; the whole grammar is in grammar.json."""
    good = "ENC-01.ES256-good"
    broken = {
        "trailing-comma": '{%s,}', "leading-comma": '{,%s}', "double-comma": '{%s,,"x":1}', "no-colon": '{%s,"x"1}', "single-quotes": "{%s,'x':1}", "unquoted-name": '{%s,x:1}', "comment": '{%s/**/}', "line-comment": '{%s}//', "cut": '{%s', "garbage-behind": '{%s}x',
        "brace-behind": '{%s}}', "two-objects": '{%s}{}', "nul-behind": '{%s}\0', "number-name": '{%s,1:1}', "nan": '{%s,"x":NaN}', "infinity": '{%s,"x":Infinity}', "hex": '{%s,"x":0x10}', "plus": '{%s,"x":+1}', "leading-zero": '{%s,"x":01}', "dot-last": '{%s,"x":1.}',
        "dot-first": '{%s,"x":.5}', "exponent-empty": '{%s,"x":1e}', "minus-alone": '{%s,"x":-}', "true-capital": '{%s,"x":True}', "undefined": '{%s,"x":undefined}', "tab-in-string": '{%s,"x":"\t"}', "newline-in-string": '{%s,"x":"\n"}', "bad-escape": '{%s,"x":"\\x41"}',
        "escape-cut": '{%s,"x":"\\u00"}', "string-cut": '{%s,"x":"', "list-cut": '{%s,"x":[1', "list-comma": '{%s,"x":[1,]}', "list-closed-by-brace": '{%s,"x":[1}}', "object-closed-by-bracket": '{%s]', "value-missing": '{%s,"x":}', "form-feed": '\f{%s}', "nbsp": '\u00a0{%s}', "vertical-tab": '{\v%s}',
    }
    inside = lambda value: compact(value)[1:-1]
    for what, shape in broken.items():
        book.token(f"ENC-09.header-{what}", token(head=shape.replace("%s", inside(header()))), "json_malformed", twin=good)
        book.token(f"ENC-09.payload-{what}", token(payload=shape.replace("%s", inside(claims()))), "json_malformed", twin=good)
    spaced = json.dumps(claims(), indent=3).replace("\n", "\r\n\t ")
    book.token("ENC-09.white-space-good", token(head=" " + json.dumps(header(), indent=1) + "\n", payload="\t" + spaced + "\r\n"), output={"claims": claims()})
    odd = {"a": [], "b": {}, "c": [1, -2.5e-3, 0, "\u20ac", None, True, False, [[{}]]], "d": {"": {"": 1}}}
    book.token("ENC-09.values-good", token(head=header(x=odd), payload=claims(x=odd)))
    for what, raw in {"list": "[]", "list-of-it": "[%s]", "text": '"%s"', "null": "null", "number": "7", "true": "true", "empty-text": '""'}.items():
        of = lambda value: raw.replace("%s", compact(value) if raw.startswith("[") else "text")
        book.token(f"ENC-10.header-{what}", token(head=of(header())), "json_not_object", twin=good)
        book.token(f"ENC-10.payload-{what}", token(payload=of(claims())), "json_not_object", twin=good)
    for what, raw in {"nothing": "", "blank": " ", "newline": "\n"}.items():
        book.token(f"ENC-10.header-{what}", token(head=raw), "json_malformed", twin=good)
        book.token(f"ENC-10.payload-{what}", token(payload=raw), "json_malformed", twin=good)
    book.token("ENC-10.header-empty-object", token(head="{}"), "algorithm_missing", twin=good)
    book.token("ENC-10.payload-empty-object", token(payload="{}"), "issuer_missing", twin=good)


def base64url(book):
    book.source = "RFC 4648 sections 5 and 3.5, RFC 7515 section 2"
    add = lambda what, value, expect="ok", output=None, twin=None: book.add(f"base64url.{what}", "base64url", {"text": text(value)}, expect, output=output, twin=twin)
    for size in range(0, 18):
        data = bytes((size * 37 + i * 101) % 256 for i in range(size))
        add(f"octets-{size}", b64u(data), output={"hex": data.hex()})
    add("all-values", b64u(bytes(range(256))), output={"hex": bytes(range(256)).hex()})
    for what, value, decoded in [("rfc4648-f", "Zg", b"f"), ("rfc4648-fo", "Zm8", b"fo"), ("rfc4648-foo", "Zm9v", b"foo"), ("rfc4648-foob", "Zm9vYg", b"foob"), ("rfc4648-fooba", "Zm9vYmE", b"fooba"), ("rfc4648-foobar", "Zm9vYmFy", b"foobar"), ("rfc7515-c", "A-z_4ME", bytes([3, 236, 255, 224, 193]))]:
        add(what, value, output={"hex": decoded.hex()})
    refuse = lambda what, value, twin="base64url.octets-6": add(what, value, "base64url_malformed", twin=twin)
    for what, value in {
        "length-1": "A", "length-5": "AAAAA", "length-9": "A" * 9, "padded-1": "Zm8=", "padded-2": "Zg==", "padded-full": "Zm9v====", "padding-alone": "=", "padding-four": "====", "padding-inside": "Zg==Zg==", "plus": "A+z_4ME", "slash": "A-z/4ME", "space": "Zm9v Zg", "newline": "Zm9v\nZg",
        "newline-behind": "Zm9v\n", "nul": "Zm9\0", "nul-behind": "Zm9v\0", "dot": "Zm.v", "e-acute": "Zm\u00e9", "wide": "\uff21AAA", "high-octet": b"Zm9\xff", "tilde": "Zm9~", "percent": "%5Am9v", "comma": "Zm9,", "colon": "Zm9:", "backslash": "Zm9\\", "del": "Zm9\x7f",
    }.items():
        refuse(what, value)
    for character in "ABCDEFGHIJKLMNOP":
        ending = ALPHABET.index(character)
        if ending % 16:
            refuse(f"unused-4-{character}", "A" + character, twin="base64url.octets-1")
        if ending % 4 and ending < 8:
            refuse(f"unused-2-{character}", "AA" + character, twin="base64url.octets-2")


def mint():
    book = Book("encoding", "Attacks 1.4: base64url, UTF-8 and JSON in tokens.")
    book.source = "attack table 1.4"
    for part in (padded, white_space, standard_alphabet, unused_bits, impossible_texts, truncated_strings, not_utf8, surrogates, grammar_in_tokens, base64url):
        part(book)
    return [book]
