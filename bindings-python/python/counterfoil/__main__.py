"""Judges one access token from the command line: exit code 0 accepted, 1 refused, 2 wrong call."""

from __future__ import annotations

import sys
from typing import Any, NoReturn

from . import Certificate, CounterfoilError, Verifier
from .errors import ConfigurationError

OPTIONS = ("jwks", "issuer", "audience", "certificate", "dpop", "method", "url", "algorithms", "type", "require", "binding", "scope", "leeway",
           "now", "token")
USAGE = f"""usage: python -m counterfoil --jwks FILE --issuer URL --audience URL [--certificate FILE]
              [--dpop PROOF --method METHOD --url URL] [TOKEN | -]
options: {' '.join('--' + name for name in OPTIONS)}"""


def fail(text: str) -> NoReturn:
    print(f"counterfoil: {text}\n{USAGE}", file=sys.stderr)
    raise SystemExit(2)


def read_options(arguments: list[str]) -> dict[str, str]:
    """`--name value` or `--name=value`, each at most once, and at most one token."""
    options: dict[str, str] = {}
    left = iter(arguments)
    for argument in left:
        name, value = "token", argument
        if argument.startswith("--"):
            name, equals, value = argument[2:].partition("=")
            if not equals:
                value = next(left, None) or fail(f"--{name} needs a value")
        if name not in OPTIONS:
            fail(f"there is no option --{name}")
        if name in options:
            fail(f"{name} is given twice")
        options[name] = value
    return options


def number(options: dict[str, str], name: str) -> int | None:
    text = options.get(name)
    if text is None:
        return None
    return int(text) if text.isascii() and text.isdigit() else fail(f"--{name}: {text!r} is no number of seconds")


def read(file: str) -> bytes:
    try:
        with open(file, "rb") as opened:
            return opened.read()
    except OSError as error:
        fail(f"{file}: {error.strerror}")


def verifier_of(options: dict[str, str]) -> Verifier:
    policy: dict[str, Any] = {
        "algorithms": options["algorithms"].split(",") if "algorithms" in options else None,
        "types": [options["type"]] if "type" in options else None,
        "required_claims": [name for name in options["require"].split(",") if name] if "require" in options else None,
        "binding": options.get("binding"),
        "scopes": [word for word in options.get("scope", "").split(" ") if word] or None,
        "leeway": number(options, "leeway"),
    }
    for name in ("jwks", "issuer", "audience"):
        if name not in options:
            fail(f"--{name} is missing")
    dpop = {"algorithms": policy["algorithms"]} if policy["algorithms"] else None
    try:
        return Verifier(options["issuer"], options["audience"], jwks=read(options["jwks"]), dpop=dpop, **policy)
    except CounterfoilError as error:
        fail(str(error))


def main(arguments: list[str]) -> int:
    options = read_options(arguments)
    verifier, now = verifier_of(options), number(options, "now")
    if "certificate" in options and "dpop" in options:
        fail("--certificate and --dpop exclude each other")
    token = options.get("token", "-")
    if token == "-":
        token = sys.stdin.read().rstrip()
    try:
        if "certificate" in options:
            file = read(options["certificate"])
            certificate = Certificate.pem(file) if file.startswith(b"-----BEGIN") else Certificate.der(file)
            accepted = verifier.accept(token, certificate=certificate, now=now)
        elif "dpop" in options:
            for name in ("method", "url"):
                if name not in options:
                    fail(f"--{name} is missing")
            accepted = verifier.accept(token, dpop=options["dpop"], method=options["method"], url=options["url"], now=now)
        else:
            accepted = verifier.accept(token, now=now)
    except ConfigurationError as error:
        fail(str(error))
    except CounterfoilError as error:
        print(f"refused: {error}", file=sys.stderr)
        return 1
    print(accepted.payload)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
