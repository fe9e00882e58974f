"""A token, and who presents it."""

import pathlib
import sys

from counterfoil import Certificate, CounterfoilError, Verifier


def main(jwks: pathlib.Path, token: str, certificate: str, now: int) -> str | None:
    verifier = Verifier("https://as.example", "https://api.example", jwks_file=jwks)
    try:
        accepted = verifier.accept(token, certificate=Certificate.pem(certificate), now=now)
    except CounterfoilError as error:
        print(error.code, error.number, error.rfc, error.status)
        return None
    print(accepted.subject, accepted.has_scope("accounts"), accepted.claims["exp"])
    return accepted.subject


if __name__ == "__main__":
    folder = pathlib.Path(sys.argv[1])
    main(folder / "jwks.json", (folder / "token.txt").read_text().strip(), (folder / "client.pem").read_text().strip(), 1_800_000_000)
