"""Strict and fast validation of FAPI access tokens, DPoP proofs and JARM responses.

    verifier = Verifier("https://as.example", "https://api.example", jwks_uri="https://as.example/jwks")
    token = verifier.accept_request(method, url, headers, certificate)

Everything is decided by Counterfoil's engine; nothing of a token can be read before it was accepted.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from . import _counterfoil
from ._counterfoil import AccessToken, Certificate, Confirmation, Proof, counterfoil_key, join, split
from ._counterfoil import certificate_thumbprint, jwk_thumbprint
from .errors import CounterfoilError
from .inspection import UnprovenToken, inspect

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = [
    "AccessToken", "Certificate", "Confirmation", "CounterfoilError", "Issuer", "Proof", "ResponseVerifier", "UnprovenToken", "Verifier",
    "certificate_thumbprint", "counterfoil_key", "inspect", "join", "jwk_thumbprint", "split",
]

JwkSet = str | bytes | Mapping[str, Any]

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_counterfoil.after_fork)


def _text(jwks: JwkSet) -> str:
    if isinstance(jwks, Mapping):
        return json.dumps(jwks)
    return jwks.decode("utf-8", "surrogateescape") if isinstance(jwks, bytes) else jwks


def _told(**members: Any) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


class Issuer:
    """An issuer whose access tokens are accepted, and by which policy. The keys come from exactly one of the three sources."""

    def __init__(
        self,
        issuer: str,
        audience: str | Sequence[str],
        *,
        jwks: JwkSet | None = None,
        jwks_file: str | os.PathLike[str] | None = None,
        jwks_uri: str | None = None,
        tls: Mapping[str, Any] | None = None,
        algorithms: Sequence[str] | None = None,
        types: Sequence[str | None] | None = None,
        required_claims: Sequence[str] | None = None,
        binding: str | None = None,
        leeway: int | None = None,
        scopes: Sequence[str] | None = None,
        acr_values: Sequence[str] | None = None,
        max_age: int | None = None,
        max_token_bytes: int | None = None,
        max_header_bytes: int | None = None,
        key_memory: int | None = None,
    ) -> None:
        self._settings = _told(
            issuer=issuer, audience=audience if isinstance(audience, str) else list(audience), jwks=None if jwks is None else _text(jwks),
            jwks_file=None if jwks_file is None else os.fspath(jwks_file), jwks_uri=jwks_uri, tls=tls, algorithms=algorithms, types=types,
            required_claims=required_claims, binding=binding, leeway=leeway, scopes=scopes, acr_values=acr_values, max_age=max_age,
            max_token_bytes=max_token_bytes, max_header_bytes=max_header_bytes, key_memory=key_memory,
        )


class Verifier(_counterfoil.Verifier):
    """Judges tokens and requests for one resource server. One for a process, shared by its threads; keys are fetched in the background.

    Either `issuer`, `audience` and the other arguments of `Issuer`, or `issuers`.
    """

    def __new__(
        cls,
        issuer: str = "",
        audience: str | Sequence[str] = "",
        *,
        issuers: Sequence[Issuer] | None = None,
        realm: str | None = None,
        dpop: Mapping[str, Any] | None = None,
        split: Mapping[str, Any] | None = None,
        introspection: Mapping[str, Any] | None = None,
        feed: Mapping[str, Any] | None = None,
        only_references: bool = False,
        token_cache: int | None = None,
        key_tables: int | None = None,
        patience: float | None = None,
        **policy: Any,
    ) -> Self:
        if issuers is None:
            issuers = [Issuer(issuer, audience, **policy)]
        elif issuer or audience or policy:
            raise TypeError("issuers stand alone: each has its own audience, keys and policy")
        settings = _told(
            issuers=[own._settings for own in issuers], realm=realm, dpop=dpop, split=split, introspection=introspection,
            feed=feed, only_references=only_references, token_cache=token_cache, key_tables=key_tables, patience=patience,
        )
        made = super().__new__(cls, json.dumps(settings, default=list))
        made.waits = split is not None or introspection is not None or bool(patience)
        return made

    #: Whether judging a token may wait for a lookup or for keys, so that it belongs in a thread and not in an event loop.
    waits: bool

    async def accept_request_async(self, *arguments: Any, **named: Any) -> AccessToken:
        """As `accept_request`, in a thread if it may wait for a lookup."""
        if self.waits:
            return await asyncio.to_thread(self.accept_request, *arguments, **named)
        return self.accept_request(*arguments, **named)


class ResponseVerifier(_counterfoil.ResponseVerifier):
    """Judges the JARM responses of one authorization server to one client. The keys come from exactly one of the three sources."""

    def __new__(
        cls,
        issuer: str,
        client_id: str,
        *,
        jwks: JwkSet | None = None,
        jwks_file: str | os.PathLike[str] | None = None,
        jwks_uri: str | None = None,
        tls: Mapping[str, Any] | None = None,
        algorithms: Sequence[str] | None = None,
        leeway: int | None = None,
        patience: float | None = None,
    ) -> Self:
        settings = _told(
            issuer=issuer, client_id=client_id, jwks=None if jwks is None else _text(jwks),
            jwks_file=None if jwks_file is None else os.fspath(jwks_file), jwks_uri=jwks_uri, tls=tls, algorithms=algorithms, leeway=leeway,
            patience=patience,
        )
        return super().__new__(cls, json.dumps(settings, default=list))
