"""Table 1.7: split tokens and certificates, and DPO-11: who may present what. CMP-01 is timing; MTL-04 to MTL-06 are TLS and servers."""

import base64
import hashlib
import json

from cryptography.hazmat.primitives import serialization

from attacks_dpop import METHOD, proof
from book import ALL, CERTIFICATE, FAPI, HOLDER, NOW, THUMBPRINT, URL, Book, Key, alter_segment, claims, header, issuer_jwk, issuer_key, jws, policy_for, token
from encoding import b64u, text, unb64u
from signing import Certificate, sign, signing_input

OTHER = Certificate("other-client")
FORMS = ("client-ec", "client-rsa", "client-ed25519")


def halves(value):
    head, _, ticket = value.rpartition(".")
    return head, ticket


def split(book, identifier, head, ticket, expect="ok", policy="fapi", presenter=None, **more):
    given = {"counterfoil": text(head), "ticket": text(ticket), "presenter": presenter or HOLDER}
    return book.add(identifier, "split_token", given, expect, policy, **more)


def split_tokens(book):
    for alg in ALL:
        value, policy = token(alg), policy_for(alg)
        head, ticket = halves(value)
        good = split(book, f"SPL-01.{alg}-good", head, ticket, policy=policy, output={"joined": value})
        refuse = lambda what, changed, expect="ticket_malformed": split(book, f"SPL-01.{alg}-{what}", head, changed, expect, policy, twin=good)
        refuse("one-short", ticket[:-1])
        refuse("half", ticket[: len(ticket) // 8 * 4], "ticket_malformed" if len(ticket) < 100 else "signature_length")
        refuse("three-octets-short", b64u(unb64u(ticket)[:-3]), "ticket_malformed" if len(ticket) < 100 else "signature_length")
        refuse("one-octet-short", b64u(unb64u(ticket)[:-1]), "ticket_malformed" if len(ticket) < 100 else "signature_length")
        refuse("extended", "AAAA" + ticket, "signature_length")
        refuse("extended-behind", b64u(unb64u(ticket) + b"\0\0\0"), "signature_length")
        refuse("beyond-512-octets", b64u(bytes(513)))
        refuse("padded", ticket + "==")
        refuse("newline", ticket + "\n")
        refuse("blank-before", " " + ticket)
        refuse("whole-token", value)
        refuse("with-dot", "." + ticket)
        refuse("empty", "")
        refuse("nul-behind", ticket + "\0")
        refuse("standard-alphabet", "+" + ticket[1:])
        refuse("bearer-before", "Bearer " + ticket)
        refuse("its-hash", b64u(hashlib.sha256(ticket.encode()).digest()))
        refuse("changed", ("B" if ticket[0] != "B" else "C") + ticket[1:], "signature_invalid")
        refuse("zeros", "A" * len(ticket), "signature_invalid")
        other_head, other_ticket = halves(token(alg, payload=claims(jti="token-2", sub="admin")))
        swap = lambda what, changed, expect: split(book, f"SPL-02.{alg}-{what}", changed, ticket, expect, policy, twin=good)
        swap("other-half", other_head, "signature_invalid")
        swap("payload-swapped", head.split(".")[0] + "." + other_head.split(".")[1], "signature_invalid")
        swap("expired-half", halves(token(alg, payload=claims(exp=NOW - 100)))[0], "token_expired")
        swap("other-audience", halves(token(alg, payload=claims(aud="x")))[0], "audience_mismatch")
        swap("other-algorithm", halves(token(alg, header(alg, alg="none")))[0], "algorithm_refused")
        swap("no-dot", head.replace(".", ""), "counterfoil_malformed")
        swap("two-dots", head + ".", "counterfoil_malformed")
        swap("whole-token", value, "counterfoil_malformed")
        swap("empty", "", "counterfoil_malformed")
        swap("header-empty", "." + head.split(".")[1], "counterfoil_malformed")
        swap("payload-empty", head.split(".")[0] + ".", "counterfoil_malformed")
        swap("dot-alone", ".", "counterfoil_malformed")
        swap("newline", head + "\n", "base64url_malformed")
        swap("padded", head + "=", "base64url_malformed")
        split(book, f"SPL-02.{alg}-ticket-of-another", head, other_ticket, "signature_invalid", policy, twin=good)
        split(book, f"SPL-02.{alg}-both-of-another", other_head, other_ticket, policy=policy)
        split(book, f"SPL-02.{alg}-bearer", head, ticket, "certificate_missing", policy, "bearer", twin=good)
    for alg, octets in (("HS256", 32), ("HS512", 64)):
        head, ticket = halves(jws(header(alg=alg), claims(), b"k" * 32, alg))
        split(book, f"SPL-01.{alg}", head, ticket, "ticket_malformed" if octets < 64 else "algorithm_refused", twin="SPL-01.ES256-good")
    large = {"base": "fapi", "max_token_bytes": 1024}
    head, ticket = halves(token(payload=claims(pad="x" * 300)))
    twin = split(book, "SPL-01.size-good", head, ticket, policy=large)
    head, ticket = halves(token(payload=claims(pad="x" * 600)))
    split(book, "SPL-01.size", head, ticket, "token_too_large", large, twin=twin)
    book.source = "attack table 1.7; the key of a ticket as in RFC 7636 appendix B"
    for alg in ALL:
        _, ticket = halves(token(alg))
        digest = hashlib.sha256(ticket.encode()).digest()
        book.add(f"ticket.{alg}", "ticket", {"ticket": ticket}, output={"base64url": b64u(digest), "base64": base64.b64encode(digest).decode(), "hex": digest.hex()})
    ticket = halves(token())[1]
    for what, changed in {"short": ticket[:-4], "padded": ticket + "==", "empty": "", "dot": ticket[:40] + "." + ticket[40:], "newline": ticket + "\n", "unused-bits": ticket[:-1] + ("B" if ticket[-1] in "AQgw" else "C"), "octets-63": b64u(bytes(63)), "octets-513": b64u(bytes(513)), "length-1": ticket + "AAA", "latin": ticket.encode()[:-1] + b"\xe9"}.items():
        book.add(f"ticket.{what}", "ticket", {"ticket": text(changed)}, "ticket_malformed", twin="ticket.ES256")
    for octets in (64, 512):
        digest = hashlib.sha256(b64u(bytes(octets)).encode()).digest()
        book.add(f"ticket.octets-{octets}", "ticket", {"ticket": text(b64u(bytes(octets)))}, output={"hex": digest.hex()})


def stored_hashes(book):
    """SPL-03: what a store hands back as the hash of a ticket."""
    digest = hashlib.sha256(halves(token())[1].encode()).digest()
    spelled = {"base64url": b64u(digest), "base64": base64.b64encode(digest).decode(), "hex": digest.hex(), "raw": digest}
    # A digest with characters in which the two base64 alphabets differ.
    for i in range(100):
        both = hashlib.sha256(b"%d" % i).digest()
        if {"-", "_"} <= set(b64u(both)):
            break
    add = lambda what, encoding, value, expect="ok", twin=None: book.add(f"SPL-03.{what}", "ticket_hash", {"encoding": encoding, "text": text(value)}, expect, twin=twin, output={"hex": digest.hex()} if twin is None else None)
    for encoding, value in spelled.items():
        good = add(f"{encoding}-good", encoding, value)
        cut = {"base64url": b64u(digest[:16]), "base64": base64.b64encode(digest[:16]).decode(), "hex": digest[:16].hex(), "raw": digest[:16]}[encoding]
        longer = {"base64url": b64u(digest + b"\0"), "base64": base64.b64encode(digest + b"\0").decode(), "hex": digest.hex() + "00", "raw": digest + b"\0"}[encoding]
        shorter = {"base64url": b64u(digest[:31]), "base64": base64.b64encode(digest[:31]).decode(), "hex": digest[:31].hex(), "raw": digest[:31]}[encoding]
        for what, changed in {"empty": value[:0], "128-bits": cut, "31-octets": shorter, "33-octets": longer, "twice": value + value}.items():
            add(f"{encoding}-{what}", encoding, changed, "ticket_hash_malformed", good)
        if encoding != "raw":
            for what, changed in {"newline": value + "\n", "one-short": value[:-1], "blank": " " + value, "nul": value + "\0"}.items():
                add(f"{encoding}-{what}", encoding, changed, "ticket_hash_malformed", good)
    for what, encoding, value in [
        ("base64url-padded", "base64url", b64u(digest) + "="), ("base64url-standard-alphabet", "base64url", base64.b64encode(both).decode().rstrip("=")), ("base64-unpadded", "base64", base64.b64encode(digest).decode().rstrip("=")), ("base64-url-alphabet", "base64", b64u(both) + "="), ("hex-upper", "hex", digest.hex().upper()),
        ("hex-prefix", "hex", "0x" + digest.hex()), ("hex-not", "hex", "g" + digest.hex()[1:]), ("base64url-as-hex", "hex", b64u(digest)), ("hex-as-base64url", "base64url", digest.hex()), ("hex-as-raw", "raw", digest.hex()),
    ]:
        add(what, encoding, value, "ticket_hash_malformed", f"SPL-03.{encoding}-good")


def certificate(book, identifier, form, values, expect="ok", thumbprint=None, twin=None):
    given = {"form": form, "values": [text(value) for value in values]}
    return book.add(identifier, "certificate", given, expect, output={"thumbprint": thumbprint} if thumbprint else None, twin=twin)


def hex_text(raw):
    return {"hex": raw.hex()}


def certificate_forms(book):
    for name in FORMS:
        own = Certificate(name)
        print_of = own.thumbprint()
        book.add(f"MTL-01.{name}-der", "certificate", {"form": "der", "values": [hex_text(own.der)]}, output={"thumbprint": print_of})
        for what, form, value in [
            ("pem", "pem", own.pem), ("pem-crlf", "pem", own.pem.replace("\n", "\r\n")), ("pem-no-newline", "pem", own.pem.strip()), ("pem-one-line", "pem", f"-----BEGIN CERTIFICATE-----\n{own.base64}\n-----END CERTIFICATE-----\n"), ("pem-indented", "pem", own.pem.replace("\n", "\n\t")),
            ("escaped", "escaped_pem", own.escaped), ("escaped-lower-hex", "escaped_pem", own.escaped.replace("%2B", "%2b").replace("%2F", "%2f").replace("%0A", "%0a")), ("escaped-plus-kept", "escaped_pem", own.escaped.replace("%2B", "+").replace("%2F", "/")), ("client-cert", "client_cert", own.client_cert),
        ]:
            certificate(book, f"MTL-01.{name}-{what}", form, [value], thumbprint=print_of)
    own, other = CERTIFICATE, OTHER
    goods = {"der": "MTL-01.client-ec-der", "pem": "MTL-01.client-ec-pem", "escaped_pem": "MTL-01.client-ec-escaped", "client_cert": "MTL-01.client-ec-client-cert"}
    spellings = {"pem": (own.pem, other.pem), "escaped_pem": (own.escaped, other.escaped), "client_cert": (own.client_cert, other.client_cert)}
    for form, (mine, theirs) in spellings.items():
        for what, values in {"two-copies": [mine, mine], "two-fields": [mine, theirs], "three-fields": [mine, theirs, mine], "one-empty-field": [mine, ""]}.items():
            certificate(book, f"MTL-01.{form}-{what}", form, values, "certificate_repeated", twin=goods[form])
    chains = {"pem": own.pem + other.pem, "escaped_pem": own.escaped + other.escaped, "client_cert": f"{own.client_cert}, {other.client_cert}"}
    for form, chain in chains.items():
        certificate(book, f"MTL-03.{form}-chain", form, [chain], "certificate_repeated", twin=goods[form])
    certificate(book, "MTL-03.pem-chain-reversed", "pem", [other.pem + own.pem], "certificate_repeated", twin=goods["pem"])
    certificate(book, "MTL-03.client_cert-chain-no-blank", "client_cert", [f"{own.client_cert},{other.client_cert}"], "certificate_repeated", twin=goods["client_cert"])
    spki = own.x509.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    der = own.der
    long_form = b"\x30\x83\0" + der[2:4] + der[4:]
    for what, raw in {
        "empty": b"", "cut": der[:-1], "octet-behind": der + b"\0", "twice": der + der, "spki": spki, "tbs": own.x509.tbs_certificate_bytes, "pem": own.pem.encode(), "base64": own.base64.encode(), "thumbprint": hashlib.sha256(der).digest(), "zeros": bytes(300), "set": b"\x31" + der[1:], "indefinite": b"\x30\x80" + der[4:] + b"\0\0",
        "long-length": long_form, "length-plus-1": der[:2] + (int.from_bytes(der[2:4], "big") + 1).to_bytes(2, "big") + der[4:], "header-alone": der[:4], "sequence-alone": b"\x30\0", "octet": b"\x30", "huge-length": b"\x30\x84\xff\xff\xff\xff" + der[4:],
    }.items():
        book.add(f"MTL-02.der-{what}", "certificate", {"form": "der", "values": [hex_text(raw)]}, "certificate_malformed", twin=goods["der"])
    label = lambda name: own.pem.replace("CERTIFICATE", name)
    for what, value in {
        "empty": "", "base64-alone": own.base64, "label-public-key": label("PUBLIC KEY"), "label-trusted": label("TRUSTED CERTIFICATE"), "label-x509": label("X509 CERTIFICATE"), "label-request": label("CERTIFICATE REQUEST"), "label-lower": own.pem.replace("BEGIN CERTIFICATE", "begin certificate"), "no-end": own.pem.split("-----END")[0],
        "no-begin": own.pem.split("-----\n", 1)[1], "text-before": "subject=CN\n" + own.pem, "text-behind": own.pem + "x", "four-dashes": own.pem.replace("-----BEGIN", "----BEGIN"), "end-of-another": own.pem.replace("END CERTIFICATE", "END PUBLIC KEY"), "character-changed": own.pem.replace("M", "!", 1), "cut-base64": own.pem.replace("=", ""),
        "cut-in-the-middle": own.pem[:100] + "\n-----END CERTIFICATE-----\n", "spki": "-----BEGIN CERTIFICATE-----\n" + base64.b64encode(spki).decode() + "\n-----END CERTIFICATE-----\n", "url-alphabet": "-----BEGIN CERTIFICATE-----\n" + base64.urlsafe_b64encode(der).decode() + "\n-----END CERTIFICATE-----\n",
        "header-lines": own.pem.replace("-----\n", "-----\nProc-Type: 4,ENCRYPTED\n", 1), "nul": own.pem.replace("\n", "\0", 2), "escaped": own.escaped, "client-cert": own.client_cert, "empty-body": "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n", "bom": "\ufeff" + own.pem, "twice-base64": own.pem.replace(own.base64[:20], own.base64[:20] + "====", 1),
    }.items():
        if what == "cut-base64" and "=" not in own.base64:
            continue
        if what == "url-alphabet" and not set("+/") & set(own.base64):
            continue
        certificate(book, f"MTL-02.pem-{what}", "pem", [value], "certificate_malformed", twin=goods["pem"])
    for what, value in {
        "empty": "", "percent-cut": own.escaped[:-1], "percent-alone": own.escaped + "%", "not-hex": own.escaped.replace("%0A", "%0G", 1), "twice-escaped": own.escaped.replace("%", "%25"), "plus-for-blank": own.escaped.replace("%20", "+"), "percent-u": own.escaped.replace("%0A", "%u000A", 1), "client-cert": own.client_cert,
    }.items():
        certificate(book, f"MTL-02.escaped-{what}", "escaped_pem", [value], "certificate_malformed", twin=goods["escaped_pem"])
    for what, value in {
        "empty": "", "no-colons": own.base64, "no-last-colon": own.client_cert[:-1], "no-first-colon": own.client_cert[1:], "colons-alone": "::", "colon-alone": ":", "url-alphabet": f":{base64.urlsafe_b64encode(der).decode()}:" if set("+/") & set(own.base64) else ":_-:", "blank-inside": own.client_cert.replace("M", "M ", 1), "folded": own.client_cert[:64] + "\r\n " + own.client_cert[64:],
        "newline-inside": own.client_cert[:64] + "\n" + own.client_cert[64:], "pem": own.pem, "parameter": own.client_cert + ";a=1", "quoted": f'"{own.base64}"', "three-colons": own.client_cert + ":", "spki": f":{base64.b64encode(spki).decode()}:", "hex": f":{der.hex()}:",
    }.items():
        certificate(book, f"MTL-02.client-cert-{what}", "client_cert", [value], "certificate_malformed", twin=goods["client_cert"])


def bound_tokens(book):
    own, other = CERTIFICATE, OTHER
    for alg in FAPI:
        good = book.token(f"MTL-02.{alg}-good", token(alg))
        book.token(f"MTL-02.{alg}-other-certificate", token(alg), "certificate_mismatch", presenter={"thumbprint": other.thumbprint()}, twin=good)
        book.token(f"MTL-02.{alg}-bearer", token(alg), "certificate_missing", presenter="bearer", twin=good)
    spki = own.x509.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    sha256 = lambda raw: b64u(hashlib.sha256(raw).digest())
    presented = {"certificate": {"form": "pem", "values": [own.pem]}}
    good = book.token("MTL-02.presented-pem-good", token(), presenter=presented)
    for what, bound in {
        "of-the-pem": sha256(own.pem.encode()), "of-the-pem-without-newline": sha256(own.pem.strip().encode()), "of-the-base64": sha256(own.base64.encode()), "of-the-spki": sha256(spki), "of-the-tbs": sha256(own.x509.tbs_certificate_bytes), "of-the-hash": sha256(hashlib.sha256(own.der).digest()), "of-nothing": sha256(b""), "zeros": "A" * 43,
        "one-bit": THUMBPRINT[:5] + ("B" if THUMBPRINT[5] != "B" else "C") + THUMBPRINT[6:], "other-case": THUMBPRINT.swapcase() if b64u(unb64u(THUMBPRINT.swapcase())) == THUMBPRINT.swapcase() else None,
    }.items():
        if bound:
            book.token(f"MTL-02.thumbprint-{what}", token(payload=claims(cnf={"x5t#S256": bound})), "certificate_mismatch", presenter=presented, twin=good)
    for what, bound in {
        "sha1": b64u(hashlib.sha1(own.der).digest()), "sha512": b64u(hashlib.sha512(own.der).digest()), "hex": hashlib.sha256(own.der).hexdigest(), "hex-colons": ":".join(f"{octet:02X}" for octet in hashlib.sha256(own.der).digest()), "padded": THUMBPRINT + "=", "cut": THUMBPRINT[:42], "base64": base64.b64encode(hashlib.sha256(own.der).digest()).decode(),
        "unused-bits": THUMBPRINT[:-1] + next(c for c in "BCDEFGHIJKLMNOP" if c != THUMBPRINT[-1] and c not in "AEIMQUYcgkosw048"), "the-pem": own.pem,
    }.items():
        book.token(f"MTL-02.thumbprint-{what}", token(payload=claims(cnf={"x5t#S256": bound})), "confirmation_malformed", presenter=presented, twin=good)
    for name in FORMS:
        held = Certificate(name)
        bound = token(payload=claims(cnf={"x5t#S256": held.thumbprint()}))
        for form, value in (("pem", held.pem), ("escaped_pem", held.escaped), ("client_cert", held.client_cert)):
            twin = book.token(f"MTL-03.{name}-{form}-good", bound, presenter={"certificate": {"form": form, "values": [value]}})
            wrong = {"pem": other.pem, "escaped_pem": other.escaped, "client_cert": other.client_cert}[form]
            book.token(f"MTL-03.{name}-{form}-other", bound, "certificate_mismatch", presenter={"certificate": {"form": form, "values": [wrong]}}, twin=twin)
        book.token(f"MTL-03.{name}-der-good", bound, presenter={"certificate": {"form": "der", "values": [hex_text_value(held.der)]}})
    for form, value in {"pem": other.pem + own.pem, "client_cert": f"{other.client_cert}, {own.client_cert}"}.items():
        book.token(f"MTL-03.bound-to-the-second-{form}", token(), "certificate_repeated", presenter={"certificate": {"form": form, "values": [value]}}, twin=good)
    book.token("MTL-01.malformed-certificate-and-bound-token", token(), "certificate_malformed", presenter={"certificate": {"form": "pem", "values": ["x"]}}, twin=good)


def hex_text_value(raw):
    return {"hex": raw.hex()}


def who_presents(book):
    """DPO-11, and every binding policy against every token and presenter."""
    book.source = "attack table 1.8"
    client, stranger = Key("client-es"), Key("client-es-2")
    tokens = {"mtls": claims(), "dpop": claims(cnf={"jkt": client.thumbprint()}), "unbound": claims(drop=["cnf"])}
    for policy in ("required", "mtls", "dpop", "optional"):
        for bound, payload in tokens.items():
            value = token(payload=payload)
            presenters = {
                "bearer": "bearer", "certificate": HOLDER, "other-certificate": {"thumbprint": OTHER.thumbprint()}, "proof": {"dpop": {"proof": proof(client, value), "method": METHOD, "url": URL}}, "other-proof": {"dpop": {"proof": proof(stranger, value), "method": METHOD, "url": URL}},
            }
            for who, presenter in presenters.items():
                expect = verdict(policy, bound, who)
                twin = None if expect == "ok" else f"DPO-11.{ {'mtls': 'mtls-mtls-certificate', 'dpop': 'dpop-dpop-proof', 'unbound': 'optional-unbound-bearer'}[bound] }"
                book.token(f"DPO-11.{policy}-{bound}-{who}", value, expect, {"base": "fapi", "binding": policy}, presenter, twin=twin)
    for name in ("client-es", "client-ps", "client-ed"):
        key = Key(name)
        value = token(payload=claims(cnf={"jkt": key.thumbprint()}))
        presenter = lambda made: {"dpop": {"proof": made, "method": METHOD, "url": URL}}
        good = book.token(f"DPO-11.{name}-good", value, presenter=presenter(proof(key, value)))
        book.token(f"DPO-11.{name}-proof-for-another-token", value, "proof_token_hash", presenter=presenter(proof(key, value + "x")), twin=good)
        book.token(f"DPO-11.{name}-proof-without-ath", value, "proof_token_hash", presenter=presenter(proof(key, None)), twin=good)
        book.token(f"DPO-11.{name}-proof-forged", value, "proof_signature", presenter=presenter(alter_segment(proof(key, value), 2, lambda s: ("B" if s[0] != "B" else "C") + s[1:])), twin=good)
        head, ticket = halves(value)
        twin = split(book, f"SPL-01.{name}-proof-for-the-ticket", head, ticket, presenter=presenter(proof(key, ticket)), output={"joined": value})
        split(book, f"SPL-01.{name}-proof-for-the-joined-token", head, ticket, "proof_token_hash", presenter=presenter(proof(key, value)), twin=twin)
        split(book, f"SPL-01.{name}-proof-of-another-key", head, ticket, "proof_key_mismatch", presenter=presenter(proof(stranger, ticket)), twin=twin)
        split(book, f"SPL-01.{name}-as-bearer", head, ticket, "proof_required", presenter="bearer", twin=twin)


def verdict(policy, bound, who):
    """What RFC 8705 section 3 and RFC 9449 section 7.1 demand."""
    if bound == "mtls" and policy == "dpop" or bound == "dpop" and policy == "mtls":
        return "binding_refused"
    by_proof = who.endswith("proof")
    if bound == "mtls":
        return "proof_unexpected" if by_proof else {"bearer": "certificate_missing", "certificate": "ok", "other-certificate": "certificate_mismatch"}[who]
    if bound == "dpop":
        return {"proof": "ok", "other-proof": "proof_key_mismatch"}.get(who, "proof_required")
    return "proof_unexpected" if by_proof else ("ok" if policy == "optional" else "confirmation_missing")


def mint():
    book = Book("binding", "Attacks 1.7 and DPO-11: split tokens, certificates, and who may present what.")
    for part in (split_tokens, stored_hashes, certificate_forms, bound_tokens, who_presents):
        book.source = "attack table 1.7"
        part(book)
    return [book]
