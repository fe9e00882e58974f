"""What the Python programs of the table share: the protocol of protocol.rs. One thread: an interpreter runs no two at once."""

import json
import pathlib
import sys
import time

ALGORITHMS = {"ps256": "PS256", "rs256": "RS256", "eddsa": "EdDSA"}


def algorithm_of(work):
    return ALGORITHMS.get(work, "ES256")


class Absent(Exception):
    """A work that a peer does not offer, and why."""


def _cases(folder, work):
    cases = []
    for line in (folder / f"{work}.tokens").read_text().splitlines():
        verdict, token, *_ = line.split(" ")
        cases.append((verdict == "accept", token))
    return cases


def _run(judge, cases):
    for accept, token in cases:
        if judge(token) is not accept:
            raise AssertionError(f"a verdict on {token}")


def serve(peer, version, prepare):
    """`prepare(work, jwks, parameters)` returns a function from a token to a verdict, or raises Absent."""
    folder = pathlib.Path(sys.argv[1])
    parameters = dict(line.split(" ") for line in (folder / "parameters").read_text().splitlines())
    last = judge = cases = None
    for line in sys.stdin:
        work, threads = line.split()
        answer = {"peer": peer, "version": f"{version}, Python {sys.version.split()[0]}", "work": work, "threads": int(threads)}
        try:
            if threads != "1":
                raise Absent("one thread an interpreter")
            if work == "first":
                raise Absent("whole tokens only")
            if work == "es256+dpop":
                raise Absent("proofs are not in its program")
            if work != last:
                last = None
                judge = prepare(work, json.loads((folder / f"{work}.jwks").read_text()), parameters)
                cases, last = _cases(folder, work), work
            _run(judge, cases)
            start = time.perf_counter_ns()
            _run(judge, cases)
            elapsed = time.perf_counter_ns() - start
            answer |= {"tokens": len(cases), "ns_per_token": round(elapsed / len(cases), 1)}
        except Absent as why:
            answer["absent"] = str(why)
        print(json.dumps(answer, separators=(",", ":")), flush=True)
