"""A look at a token for debugging. IT PROVES NOTHING: anybody can write any token. Never decide by it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from . import _counterfoil
from .errors import CounterfoilError


@dataclass(frozen=True)
class UnprovenToken:
    """What somebody has written into a token. Nothing of it is known to be true."""

    unproven_header: dict[str, Any]
    unproven_claims: dict[str, Any]

    @property
    def warning(self) -> str:
        return "nothing of this is proved: only Verifier.accept and accept_request do that"


def inspect(token: str | bytes) -> UnprovenToken:
    """Shows the parts of a token without judging anything. For debugging only: it proves nothing."""
    text = token.encode() if isinstance(token, str) else token
    parts = text.split(b".")
    if len(parts) != 3:
        raise CounterfoilError(101)
    header, claims = (_counterfoil.parse_json(_counterfoil.decode_base64url(part)) for part in parts[:2])
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise CounterfoilError(110)
    return UnprovenToken(header, claims)
