"""Microseconds a token, beside PyJWT and joserfc: medians of interleaved rounds over the corpus of `cargo xtask bench`, verdicts asserted.

    python compare.py CORPUS [--memory]     --memory: ten million acceptances and refusals, and what memory they leave
"""

import json
import os
import pathlib
import platform
import re
import resource
import statistics
import sys
import threading
import time

import joserfc
import jwt
from joserfc import jwk as joserfc_jwk
from joserfc import jwt as joserfc_jwt

import counterfoil

ROUNDS, TOKENS = 9, 400
FOLDER = pathlib.Path(sys.argv[1])
PARAMETERS = dict(line.split(" ", 1) for line in (FOLDER / "parameters").read_text().splitlines())
ISSUER, AUDIENCE, NOW = PARAMETERS["issuer"], PARAMETERS["audience"], int(PARAMETERS["now"])
HOLDER = counterfoil.Certificate.of_thumbprint(PARAMETERS["thumbprint"])
# The corpus has a time of its own, which these two cannot be told: they leave the dates out.
PYJWT = {"verify_exp": False, "verify_nbf": False, "verify_iat": False}


def tokens(work):
    """The good ones among the first."""
    lines = (line.split() for line in (FOLDER / f"{work}.tokens").read_text().splitlines())
    return [line[1] for line in lines if line[0] == "accept"][:TOKENS]


def verifier(work, algorithm, cache):
    jwks = (FOLDER / f"{work}.jwks").read_text()
    return counterfoil.Verifier(ISSUER, AUDIENCE, jwks=jwks, algorithms=[algorithm], token_cache=cache)


def ways(work, algorithm):
    """Each judges all tokens and returns the issuers that it read, or how many it accepted."""
    all_tokens, keys = tokens(work), json.loads((FOLDER / f"{work}.jwks").read_text())
    fresh, remembering = verifier(work, algorithm, 0), verifier(work, algorithm, 8 * TOKENS)
    for token in all_tokens:
        remembering.accept(token, certificate=HOLDER, now=NOW)
    own = {key["kid"]: jwt.PyJWK(key, algorithm) for key in keys["keys"]}
    key_set = joserfc_jwk.KeySet.import_key_set(keys)
    options = {"algorithms": [algorithm], "audience": AUDIENCE, "issuer": ISSUER, "options": PYJWT}

    def pyjwt():
        return [jwt.decode(token, own[jwt.get_unverified_header(token)["kid"]], **options)["iss"] for token in all_tokens]

    def jose():
        return [joserfc_jwt.decode(token, key_set, algorithms=[algorithm]).claims["iss"] for token in all_tokens]

    return all_tokens, {
        "counterfoil": lambda: [fresh.accept(token, certificate=HOLDER, now=NOW).issuer for token in all_tokens],
        "counterfoil, claims as a dict": lambda: [fresh.accept(token, certificate=HOLDER, now=NOW).claims["iss"] for token in all_tokens],
        "counterfoil, token seen before": lambda: [remembering.accept(token, certificate=HOLDER, now=NOW).issuer for token in all_tokens],
        f"PyJWT {jwt.__version__}": pyjwt,
        f"joserfc {joserfc.__version__}": jose,
    }


def compare(work, algorithm):
    all_tokens, judges = ways(work, algorithm)
    times = {name: [] for name in judges}
    for _ in range(ROUNDS):
        for name, judge in judges.items():
            start = time.perf_counter()
            issuers = judge()
            times[name].append((time.perf_counter() - start) / len(all_tokens) * 1e6)
            assert issuers == [ISSUER] * len(all_tokens), name
    return {name: statistics.median(own) for name, own in times.items()}


def overhead():
    """Of a call: a certificate's thumbprint that is known already."""
    count = 200_000
    start = time.perf_counter()
    for _ in range(count):
        HOLDER.thumbprint
    return (time.perf_counter() - start) / count * 1e6


def threads():
    """How many times as much two threads do as one."""
    own, all_tokens = verifier("es256", "ES256", 0), tokens("es256")

    def work():
        for _ in range(50):
            for token in all_tokens:
                own.accept(token, certificate=HOLDER, now=NOW)

    def timed(count):
        running = [threading.Thread(target=work) for _ in range(count)]
        start = time.perf_counter()
        [thread.start() for thread in running]
        [thread.join() for thread in running]
        return (time.perf_counter() - start) / count

    return statistics.median(timed(1) / timed(2) for _ in range(7))


def memory():
    own, all_tokens, count = verifier("es256", "ES256", 64), tokens("es256"), 0
    bad = [token[:-4] + "AAAA" for token in all_tokens]
    before = 0
    while count < 10_000_000:
        for good, wrong in zip(all_tokens, bad):
            own.accept(good, certificate=HOLDER, now=NOW)
            try:
                own.accept(wrong, certificate=HOLDER, now=NOW)
            except counterfoil.CounterfoilError:
                count += 2
        if not before:
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"Python: {count} acceptances and refusals: {before} KiB before, {after} KiB after")
    if after - before > 2048:
        raise SystemExit("memory grows")


def main():
    if "--memory" in sys.argv:
        return memory()
    model = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())[1]
    print(f"Python {platform.python_version()}, {model}, {os.cpu_count()} cores: microseconds a token, medians of {ROUNDS} rounds over {TOKENS} tokens\n")
    rows = {work: compare(work, algorithm) for work, algorithm in
            (("es256", "ES256"), ("ps256", "PS256"), ("rs256", "RS256"), ("eddsa", "EdDSA"))}
    print("| | " + " | ".join(rows) + " |\n| --- |" + " ---: |" * len(rows))
    for name in rows["es256"]:
        print(f"| {name} | " + " | ".join(f"{row[name]:.1f}" for row in rows.values()) + " |")
    es256, (pyjwt, jose) = rows["es256"], list(rows["es256"])[-2:]
    goals = (("ES256 against PyJWT, times", es256[pyjwt] / es256["counterfoil"], 5), ("ES256 against joserfc, times", es256[jose] / es256["counterfoil"], 4),
             ("two threads against one, times", threads(), 1.8))
    print()
    for name, got, least in goals:
        print(f"{name}: {got:.1f}, at least {least} wanted: {'met' if got >= least else 'MISSED'}")
    call = overhead()
    print(f"a thumbprint, µs: {call:.2f}, at most 1 wanted: {'met' if call <= 1 else 'MISSED'}")


main()
