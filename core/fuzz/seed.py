"""Writes the seeds of the corpus: corpus/<target>/seed-*. What a fuzzer found beyond them (found-*) is left as it is.

Seeds are examples of the RFCs, spellings written here, and one case of each verdict of ../vectors/*.json, where it is short.
"""

import base64
import hashlib
import json
import pathlib

HERE = pathlib.Path(__file__).parent
PAVED = HERE.parent / "tests/data/paved"
LONGEST = 2500
MOST = 48


def b64u(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def octets(text):
    """A text of the vectors, as their README says."""
    if isinstance(text, str):
        return text.encode("utf-8", "surrogatepass")
    if isinstance(text, list):
        return b"".join(map(octets, text))
    return bytes.fromhex(text["hex"]) if "hex" in text else (text["text"] * text["times"]).encode()


def cases():
    """One case of each kind and verdict, by file."""
    seen = set()
    for file in sorted((HERE.parent / "vectors").glob("*.json")):
        document = json.loads(file.read_text())
        for case in document["cases"]:
            key = file.name, case["kind"], case["expect"]
            if key not in seen:
                seen.add(key)
                yield case


def from_vectors(seeds):
    for case in cases():
        given = case["input"]
        match case["kind"]:
            case "access_token":
                token = octets(given["token"])
                seeds["compact"].append(token)
                seeds["split_token"].append(token)
                parts = token.split(b".")
                if len(parts) == 3:
                    try:
                        header = base64.urlsafe_b64decode(parts[0] + b"==")
                        payload = base64.urlsafe_b64decode(parts[1] + b"==")
                    except ValueError:
                        continue
                    seeds["header"].append(header)
                    seeds["json"].append(payload)
            case "jwk" | "jwks" | "base64url" | "json" as kind:
                name = {"jwk": "jwk", "jwks": "jwks"}.get(kind, "text")
                seeds[kind].append(octets(given[name]))
            case "htu":
                seeds["htu"].append(octets(given["htu"]) + b"\n" + octets(given["url"]))
            case "certificate" if len(given["values"]) == 1:
                form = {"der": b"D", "pem": b"P", "escaped_pem": b"E", "client_cert": b"C"}[given["form"]]
                seeds["certificate"].append(form + octets(given["values"][0]))
            case "ticket":
                seeds["split_token"].append(octets(given["ticket"]))
            case "dpop":
                lines = [octets(given["method"]), octets(given["url"]), octets(given["token"] or ""), octets(given["proof"])]
                seeds["dpop"].append(b"\n".join(lines))


HEADER = '{"alg":"EdDSA","typ":"at+jwt","kid":"ed"}'
CLAIMS = {
    "iss": "https://as.example", "aud": "https://api.example", "sub": "4711", "client_id": "tpp-1", "jti": "1",
    "iat": 1799999900, "exp": 1800000500, "scope": "accounts payments",
}
PROOF = {"jti": "1", "htm": "GET", "htu": "https://api.example/a", "iat": 1800000000, "ath": "$ath"}
PROOF_HEADER = '{"typ":"dpop+jwt","alg":"EdDSA","jwk":$jwk}'
RESPONSE = {"iss": "https://as.example", "aud": "tpp-1", "exp": 1800000300, "state": "s1", "code": "c0de"}


def compact(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def token(claims=None, header=HEADER, **more):
    """`header TAB payload`, with some claims replaced, or taken away with `None`."""
    merged = {name: value for name, value in ((CLAIMS if claims is None else claims) | more).items() if value is not None}
    return f"{header}\t{compact(merged)}"


def own_tokens(certificate_cnf, key_cnf):
    return [
        token(), token(cnf=certificate_cnf), token(cnf=key_cnf), token(cnf={"jkt": "A" * 43}), token(cnf={}), token(cnf={"jwk": {}}),
        token(cnf=certificate_cnf | key_cnf), token(aud=["https://other.example", "https://api.example"]), token(aud=[]), token(aud=[1]),
        token(exp=1799999991), token(exp=1799999990), token(exp=1.8e9), token(exp="1800000500"), token(exp=-1), token(nbf=1800000010),
        token(nbf=1800000011), token(iat=1800000010.5), token(iat=None), token(sub=None), token(iss="https://as.example/"),
        token(header='{"alg":"Ed25519","typ":"application/AT+JWT"}'), token(header='{"alg":"none","typ":"at+jwt"}'),
        token(header='{"alg":"EdDSA","typ":"at+jwt","kid":"ed","crit":["exp"]}'), token(header='{"alg":"EdDSA","typ":"JWT"}'),
        token(header='{"alg":"ES256","typ":"at+jwt"}'), token(header='{"\\u0061lg":"EdDSA","typ":"at+\\u006awt","x5c":1}'),
        token(authorization_details=[{"type": "a", "amount": 1e2}]), token(authorization_details={}), token(scope="accounts\u00e9 \\ \""),
        token(acr="urn:a", auth_time=1799999990, a={"b": [1, None, True, {"c": "d"}]}), HEADER + "\t[]", HEADER + "\t{}",
        HEADER + "\t" + compact(CLAIMS).replace('"sub"', '"iss"'), HEADER + "\t" + compact(CLAIMS).replace("1800000500", "18000005e2"),
        HEADER + "\t " + compact(CLAIMS).replace("/", "\\/") + " ", token() + "\n1800000509", token() + "\n1800000510", token() + "\n0",
        token() + "\n18446744073709551615", token(exp=9007199254740992) + "\n9007199254740992",
    ]


def proof(header=PROOF_HEADER, **more):
    return token(PROOF, header, **more)


def own_proofs():
    good = "GET\nhttps://api.example/a\nthe.token\n"
    endpoint = "POST\nhttps://as.example/token\n\n"
    return [
        good + proof(), good + proof(ath="A" * 43), good + proof(ath=None), good + proof(jti=""), good + proof(jti="j" * 257),
        good + proof(htm="get"), good + proof(htu="HTTPS://API.example:443/%61?x#y"), good + proof(htu="https://api.example/b"),
        good + proof(htu="https:\\/"), good + proof(iat=1799999700), good + proof(iat=1799999699), good + proof(iat=1800000010),
        good + proof(iat=1800000010.1), good + proof(iat=1799999700.5), good + proof(iat="1800000000"), good + proof(nonce="x") + "\nN",
        good + proof(nonce="$nonce") + "\nN", good + proof() + "\nN", good + proof('{"typ":"JWT","alg":"EdDSA","jwk":$jwk}'),
        good + proof('{"typ":"dpop+jwt","alg":"ES256","jwk":$jwk}'), good + proof('{"typ":"dpop+jwt","alg":"EdDSA"}'),
        good + proof('{"typ":"dpop+jwt","alg":"EdDSA","jwk":{"kty":"OKP","crv":"Ed25519","x":"AA","d":"AA"}}'),
        good + proof('{"typ":"dpop+jwt","alg":"Ed25519","jwk":$jwk,"kid":"any"}'), good + proof('{"typ":"dpop+jwt","alg":"EdDSA","jwk":[]}'),
        endpoint + token(PROOF, PROOF_HEADER, htm="POST", htu="https://as.example/token", ath=None), "\nhttps://a.example\n\n" + proof(),
        "GET\nnot a URL\nthe.token\n" + proof(), good + "a.b.c", good,
        # RFC 9449 section 4.1, figure 2.
        "POST\nhttps://server.example.com/token\n\neyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklD"
        "UkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOi"
        "ItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfr"
        "g8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg",
    ]


def own_responses():
    response = lambda header='{"alg":"EdDSA"}', **more: token(RESPONSE, header, **more)
    return [
        "s1\n" + response(), "s2\n" + response(), "-\n" + response(), "-\n" + response(state=None), "\n" + response(),
        "s1\n" + response(code=None, error="access_denied", error_description="no", error_uri="https://as.example/e"),
        "s1\n" + response(error="access_denied"), "s1\n" + response(code=None), "s1\n" + response(code=""), "s1\n" + response(code=1),
        "s1\n" + response(exp=1800000610), "s1\n" + response(exp=1800000611), "s1\n" + response(exp=1799999990), "s1\n" + response(exp=None),
        "s1\n" + response(aud=["tpp-1", "tpp-2"]), "s1\n" + response(aud="tpp-2"), "s1\n" + response(iss="https://evil.example"),
        "s1\n" + response('{"alg":"EdDSA","typ":"JWT"}'), "s1\n" + response('{"alg":"EdDSA","typ":"at+jwt"}'),
        "s1\n" + response('{"alg":"HS256"}'), "s1\nresponse=a.b.c&code=x", "s1\nresponse=a&respons%65=b", "s1\ncode=x&state=s1",
        "s\u00e9\n" + response(state="s\u00e9"), "s1\n" + response(state="\\s1"),
    ]


def own_requests(certificate_cnf, key_cnf):
    start = "GET\nhttps://api.example/a\n"
    bearer = lambda **more: start + "TBearer " + token(**more)
    dpop = lambda scheme="DPoP", **more: start + f"T{scheme} " + token(cnf=key_cnf, **more)
    der = base64.b64encode((PAVED / "client.der").read_bytes()).decode()
    demanded = {"acr": "urn:a", "auth_time": 1799999950}
    return [
        bearer(), bearer(cnf=certificate_cnf) + "\nX", bearer(cnf=certificate_cnf), bearer(cnf=certificate_cnf) + f"\nC:{der}:",
        bearer(cnf=certificate_cnf) + "\nC:AAAA:", bearer(cnf=certificate_cnf) + f"\nC:{der}:, :{der}:", bearer(cnf=key_cnf),
        bearer() + "\nP" + proof(), dpop() + "\nP" + proof(), dpop(), dpop() + "\nP" + proof() + "\nP" + proof(), dpop("dpop ") + "\nP" + proof(),
        dpop("Bearer") + "\nP" + proof(), dpop() + "\nP" + proof(jti="2", iat=1799999600), dpop() + "\nP" + proof() + "\nN",
        dpop() + "\nP" + proof(nonce="$nonce") + "\nN", dpop(**demanded) + "\nP" + proof() + "\nS", dpop() + "\nP" + proof() + "\nS",
        dpop(scope="payments") + "\nP" + proof() + "\nS", dpop(acr="urn:a", auth_time=1) + "\nP" + proof() + "\nS",
        start + "ABearer a.b.c", start + "ABasic YTpi", start + "ABearer", start + "ABearer a b", start + "ABearer ===", start, start + "A",
        bearer() + "\nABearer x", "GET\nhttps://api.example/a?access%5Ftoken=x\nABearer a.b.c", "GET\n/a\nTDPoP " + token(cnf=key_cnf) + "\nP" + proof(),
        "\nhttps://api.example/a\nTDPoP " + token(cnf=key_cnf) + "\nP" + proof(), bearer(exp=1), bearer(iss="x") + "\nX",
        start + "ABearer " + (PAVED / "token.txt").read_text().strip() + "\nX",
    ]


URLS = [
    "https://api.example/a/b\nHTTPS://API.Example:443/a/./c/../b?x#y", "https://api.example\nhttps://api.example/", "http://a:80/\nhttp://a",
    "https://a/%7e%2F%c3\nhttps://a/~%2f%C3", "https://[2001:DB8::1]:/\nhttps://[2001:db8::1]/", "https://a/..//../b\nhttps://a//b",
    "https://a/b/..\nhttps://a/", "https://a/b/.\nhttps://a/b", "https://a/%2e%2E/b\nhttps://a/b", "https://%41/\nhttps://a/",
    "https://u@a/\nhttps://a/", "https://a:0443/\nhttps://a/", "https://a/%\nhttps://a/", "ftp://a/\nhttps://a/", "https:///a\nhttps://a",
    "https://a\\b\nhttps://a/b", "https://a:443:443/\nhttps://a/", "https://a/?q\nhttps://a/#f", "https://a?q/../b\nhttps://a/",
    "https://a/x/%2e%2e/%2e\nhttps://a/.", "https://[::1\nhttps://[::1]", "https://a]/\nhttps://a/", "https://%5b::1%5d/\nhttps://[::1]/", "\n",
]

# RFC 7515 A.2 (RSA) and A.3 (P-256), RFC 8037 A.2 (Ed25519), RFC 7638 section 3.1 (RSA).
RSA = (
    "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXA"
    "rwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lF"
    "d2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
)
EC = {"kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}
OKP = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
KEYS = [
    {"kty": "RSA", "n": RSA, "e": "AQAB", "alg": "PS256", "kid": "2011-04-29"}, {"kty": "RSA", "n": RSA, "e": "AQAB"},
    {"kty": "RSA", "n": RSA, "e": "Ag"}, {"kty": "RSA", "n": "AA" + RSA, "e": "AQAB"}, {"kty": "RSA", "n": RSA[:100], "e": "AQAB"},
    {"kty": "RSA", "n": RSA, "e": "AQAB", "alg": "RS256"}, {"kty": "RSA", "n": RSA, "e": "AQABAQABAQAB"}, EC, EC | {"use": "sig", "kid": "e"},
    EC | {"use": "enc"}, EC | {"key_ops": ["verify"]}, EC | {"key_ops": ["verify", "verify"]}, EC | {"d": "AA"}, EC | {"y": EC["x"]}, EC | {"x": "AA"},
    EC | {"crv": "P-384"}, EC | {"alg": "EdDSA"}, OKP, OKP | {"alg": "Ed25519", "kid": "o"}, OKP | {"x": "A" * 43}, OKP | {"x": "_" * 42 + "8"},
    OKP | {"crv": "X25519"}, {"kty": "oct", "k": "AA"}, {"kty": 1}, {}, EC | {"kid": 1}, EC | {"kid": "k" * 257}, EC | {"x5c": [{"a": 1}]},
]
JSON = [
    "", " ", "null", "true", "false", "0", "-0", "-0.0", "01", "1.", ".5", "1e5", "1E+400", "1e-400", "9007199254740993", "[]", "[1,]", "{}", '{"a":1,}',
    '{"a":1,"\\u0061":2}', '{"a":{"b":1,"b":2}}', '"\\ud83d\\ude00"', '"\\ud83d"', '"\\ude00\\ud83d"', '"\\x"', '"\t"', '"\x7f"', "[" * 32 + "]" * 32,
    "[" * 33 + "]" * 33, '{"a":' * 32 + "1" + "}" * 32, "[" * 200, " [ 1 , { \"a\" : [ ] } ] ", '{"a":"b c  d","e":"\\u00e9\\n\\/"}', "\ufeff{}", "nul", '{"a"}',
    "{" + ",".join(f'"{i}":{i}' for i in range(128)) + "}", "{" + ",".join(f'"{i}":{i}' for i in range(129)) + "}", "1.7e9", "0.1e1", "[1,2,3]x", '"\u00e9"',
]
HEADERS = [
    '{"alg":"ES256"}', HEADER, PROOF_HEADER.replace("$jwk", compact(EC)), '{"alg":1}', '{"alg":"none"}', "{}", "[]", '{"typ":"JWT"}',
    '{"alg":"ES256","cty":"JWT"}', '{"alg":"ES256","cty":"json"}', '{"alg":"ES256","b64":false}', '{"alg":"ES256","zip":"DEF"}',
    '{"alg":"ES256","enc":"A128GCM"}', '{"alg":"ES256","crit":[]}', '{"alg":"ES256","kid":null}', '{"alg":"ES256","\\u0061lg":"none"}',
    '{"alg":"ES256","jku":"https://evil.example","x5c":[],"jwk":{}}', '{"alg":"ES256","kid":"\\ud800"}', '{"typ":"JWT",\r\n "alg":"HS256"}',
]


def certificates():
    der = (PAVED / "client.der").read_bytes()
    pem = (PAVED / "client.pem").read_bytes()
    field = b":" + base64.b64encode(der) + b":"
    escaped = pem.replace(b"\n", b"%0A").replace(b" ", b"%20").replace(b"+", b"%2B")
    return [
        b"D" + der, b"D" + der + b"\0", b"D" + der[:-1], b"D", b"D\x30\x03\x30\x00\x30", b"D\x30\x07\x30\0\x30\0\x03\x01\0", b"D0\x80\0\0", b"D0\x81\x05",
        b"P" + pem, b"P" + pem + pem, b"P" + pem.replace(b"\n", b"\r\n"), b"P" + pem.replace(b"CERT", b"X509 CERT"), b"P" + pem[:-20], b"P", b"E" + escaped,
        b"E" + pem, b"E%", b"E%4", b"E" + escaped.replace(b"%0A", b"%0g"), b"C" + field, b"C" + field + b", " + field, b"C::", b"C:", b"C:AAAA=:", b"C" + field[1:],
    ]


def ecdsa_number(kind, near=0, payload=b"", minus=False):
    """As src/ecdsa.rs reads a number: 0 as given, 1 zero, 2 n, 3 p, 4 p - n, 5 n / 2, 6 a power of two, 7 runs of ones; plus or minus `near`."""
    return bytes([kind | minus << 7, near]) + payload


def own_ecdsa():
    """Signatures with chosen multipliers, each alone, and some together."""
    any_number = ecdsa_number(0, 0, hashlib.sha256(b"number").digest())
    logarithms = [
        ecdsa_number(1, 1), ecdsa_number(2, 1, minus=True), ecdsa_number(1, 2), ecdsa_number(6, 0, b"\x40"), ecdsa_number(6, 1, b"\xff", True), any_number,
        ecdsa_number(7, 0, b"\x02\x07\x03\x0b"),
    ]
    meeting = [
        bytes([size % 10, 1]) + q + logarithms[(3 * size + 2) % 7] + bytes([relation % 5]) + bytes([0, 0, 0])
        for size, (relation, q) in enumerate((relation, q) for q in logarithms for relation in range(4))
    ]
    edges = [ecdsa_number(2, 2), ecdsa_number(4, 3, minus=True), ecdsa_number(4, 3), ecdsa_number(1, 0), ecdsa_number(3, 9, minus=True), ecdsa_number(5, 1)]
    chosen = [bytes([i, 2]) + x + bytes([i]) + any_number + logarithms[i] + bytes([i + 6, i, 1 << i]) for i, x in enumerate(edges)]
    unknown = [bytes([200 + i, 3]) + number + bytes([i]) + any_number + number + bytes([i, 7, 1]) for i, number in enumerate(logarithms[:4])]
    nothing = [bytes([0, 0]) + any_number + r + s + any_number + bytes(3) for r, s in zip(edges, edges[1:])]
    return meeting[:20] + chosen + unknown + nothing + [b"".join(meeting[i::4][:count]) for i, count in enumerate([2, 3, 5, 8])] + [b"".join(chosen + unknown)]


def own_rsassa():
    """Any moduli, and roots of encodings modulo the products of src/roots.rs."""
    noise = b"".join(hashlib.sha256(bytes([i])).digest() for i in range(34))
    any_kind = [
        bytes([0, exponent, choice]) + modulus + signature + bytes([spoil]) + b"\1\0\5message"
        for exponent, choice, modulus, signature, spoil in [
            (0, 0, b"\0" + noise[:256], b"\2\0" + noise[300:556], 0), (1, 0, b"\3", b"\2\3", 0), (0, 0x38, b"\2\0\1\2\x28\x30\x10\xff\xff", b"\0\xff", 0),
            (2, 1, b"\3", b"\0\0", 0), (1, 3, b"\0" + noise[:384], b"\0\xff", 4), (0, 5, b"\0" + noise[:512], b"\2\0" + noise[400:912], 5),
            (3, 2, b"\1\5\1\0\1\2\0\2\3\0\3\4\0\4", b"\1\2", 0), (0, 4, b"\1\0", b"\1\1", 1), (0, 6, b"\3", b"\1\1", 2), (0, 0x80, b"\3", b"\1\1", 3), (2, 7, b"\3", b"\1\1", 0),
        ]
    ]
    signed = [
        bytes([[2, 4, 6][prime - 1] + i % 2, exponent, factor * 3 + 2 * (i % 2 == 0), choice]) + changes + bytes([at, 0, salt]) + b"message"
        for i, (prime, exponent, factor, choice, changes, at, salt) in enumerate([
            (1, 0, 0, 0, bytes(4), 0, 1), (1, 1, 0, 0x80, bytes(4), 0, 1), (2, 0, 0, 1, bytes(4), 0, 1), (2, 2, 0, 0x81, bytes(4), 0, 1), (3, 0, 0, 0, bytes(4), 0, 1),
            (3, 1, 0, 0x80, bytes(4), 0, 1), (1, 0, 4, 0, bytes(4), 0, 1), (1, 2, 3, 0x80, bytes(4), 0, 1), (2, 0, 1, 0, bytes(4), 0, 1), (3, 0, 1, 0, bytes(4), 0, 1),
            (1, 1, 0, 2, b"\xbe\1\0\0", 0, 1), (1, 0, 2, 2, b"\0\1\0\0", 0, 1), (1, 0, 0, 0, bytes(4), 0, 0), (1, 0, 4, 0, bytes(4), 0, 132), (1, 0, 0, 3, b"\0\0\x40\0", 0, 1),
            (1, 0, 0, 0x83, b"\0\0\1\0", 2, 1), (1, 0, 0, 0x83, b"\0\0\5\0", 210, 1), (2, 0, 0, 0, b"\0\0\5\1", 0, 1), (1, 3, 0, 0, bytes(4), 0, 1), (1, 0, 0, 0, b"\0\0\4\1", 0, 1),
        ])
    ]
    return any_kind + signed


def own_eddsa():
    """Keys and commitments with and without components of small order, S above L, encodings that are not canonical."""
    scalars = [b"\0\0" + hashlib.sha512(b"a").digest()[:32], b"\1\1", b"\x81\1", b"\2\0\x80", b"\2\0\xfb", b"\3\0\2\x0f\x03"]
    shapes = [
        bytes([size, kind, times, spoil, 33, 4]) + scalars[size % 6] + scalars[(size + 1) % 6] + smalls + noise
        for size, (kind, times, spoil, smalls, noise) in enumerate(
            [(0, 0, 0, b"\x08\x08", b"")] * 9 + [(0, 0, 0, bytes([a, r]), b"") for a, r in [(1, 8), (8, 1), (4, 4), (2, 6), (0, 5), (7, 7)]]
            + [(0, 0x80 + times, 0, b"\x08\x08", b"") for times in (1, 2, 7, 15)] + [(0, 0, 1, b"\x08\x08", b""), (0, 0, 2, b"\x08\x08", b"")]
            + [(1, 0, 0, b"\x08\x08", b"\1" * 32), (2, 0, 0, b"\x08\x08", b"\0"), (2, 0, 0, b"\x08\x08", b"\x92"), (3, 0, 0, b"\x08\x08", bytes(32)), (4, 0, 0, b"\x08\x08", b"\1")]
            + [(0x80, 0, 0, b"\x08\x08", bytes(32)), (0x80, 0, 0, b"\x08\x08", b"\xec\xd3\xf5\x5c\x1a\x63\x12\x58\xd6\x9c\xf7\xa2\xde\xf9\xde\x14" + bytes(15) + b"\x10")]
        )
    ]
    large = [bytes([size]) + shapes[0][1:] for size in (205, 206, 207, 215)]
    return [shape + b"message"[: i % 8] for i, shape in enumerate(shapes + large)]


def main():
    names = ["base64url", "json", "header", "jwk", "jwks", "compact", "access_token", "dpop", "htu", "jarm", "split_token", "certificate", "request"]
    names += ["ecdsa", "rsassa", "eddsa"]
    seeds = {name: [] for name in names}
    certificate_cnf = {"x5t#S256": b64u(hashlib.sha256((PAVED / "client.der").read_bytes()).digest())}
    # RFC 7638 of the Ed25519 key whose seed is 32 octets of 2: the client of src/mint.rs.
    client = {"crv": "Ed25519", "kty": "OKP", "x": b64u(bytes.fromhex("8139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37a25df60f5b8fc9b394"))}
    key_cnf = {"jkt": b64u(hashlib.sha256(compact(client).encode()).digest())}
    paved = (PAVED / "token.txt").read_bytes().strip()
    rfc7515 = (  # Appendix A.3.
        b"eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
        b"DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
    )
    seeds["base64url"] += [text.encode() for text in ["", "A", "AA", "AB", "AAA", "AAB", "AAAA", "AA==", "AA+/", "A-_A", " AAA", "\xe9"]]
    seeds["base64url"] += [rfc7515.split(b".")[2], b"A" * 43, bytes(range(256))]
    seeds["json"] += [text.encode() for text in JSON] + [b'"\xff"', b'{"\xc0\xaf":1}']
    seeds["header"] += [text.encode() for text in HEADERS] + [b'{"alg":"ES256","x":"' + b"a" * 4080 + b'"}']
    seeds["jwk"] += [compact(key).encode() for key in KEYS] + [b"[]", b'{"kty":"EC"}', json.dumps(EC, indent=2).encode()]
    sets = [[], KEYS[7:8], KEYS[7:9], [EC, EC | {"kid": "e"}, OKP | {"kid": "e"}], [OKP, EC, KEYS[0]], [EC] * 4, [EC] * 5, [{"kty": "oct"}, OKP], [1], [KEYS[22]] * 5]
    seeds["jwks"] += [compact({"keys": keys}).encode() for keys in sets] + [b'{"keys":{}}', b"{}", b"[]", b'{"keys":[{"kty":"EC"}],"keys":[]}']
    seeds["jwks"].append((PAVED / "jwks.json").read_bytes())
    any_token = b".".join(b64u(part.encode()).encode() for part in ('{"alg":"any"}', '{"a":[1,{"b":null}]}', "x"))
    not_object = b".".join(b64u(part.encode()).encode() for part in ('{"alg":"any"}', "[1]", "x"))
    for name in ("compact", "split_token"):
        seeds[name] += [paved, rfc7515, any_token, not_object, b"", b".", b"..", b"...", b"....", b"a.b.c", b"e30.e30.e30", b"e30.e30.", b"\xff.\xff.\xff"]
    seeds["split_token"] += [token().encode(), b"{}\t{}", paved.split(b".")[2], b"A" * 43, b"0" * 64, b"A" * 42 + b"E=", b"F" * 64, b"\x80" * 32, b"A" * 683]
    seeds["access_token"] += [text.encode() for text in own_tokens(certificate_cnf, key_cnf)] + [paved, b"a.b.c", b""]
    seeds["dpop"] += [text.encode() for text in own_proofs()]
    seeds["htu"] += [text.encode() for text in URLS]
    seeds["jarm"] += [text.encode() for text in own_responses()]
    seeds["certificate"] += certificates()
    seeds["request"] += [text.encode() for text in own_requests(certificate_cnf, key_cnf)]
    seeds["ecdsa"], seeds["rsassa"], seeds["eddsa"] = own_ecdsa(), own_rsassa(), own_eddsa()
    from_vectors(seeds)
    for name, texts in seeds.items():
        folder = HERE / "corpus" / name
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob("seed-*"):
            old.unlink()
        short = [text for text in dict.fromkeys(texts) if len(text) <= LONGEST or name == "header"]
        for text in short[:MOST]:
            (folder / f"seed-{hashlib.sha256(text).hexdigest()[:12]}").write_bytes(text)
        print(name, min(len(short), MOST))


if __name__ == "__main__":
    main()
