"""For ASGI (Starlette, FastAPI, Quart, Litestar…): a middleware without dependencies, and a dependency for FastAPI.

    app = Middleware(app, Gate(verifier, "https://api.example.com"))

The accepted token is `scope["counterfoil"]`. The client's certificate is that of the ASGI TLS extension; uvicorn, which lacks the extension,
has it with `http=counterfoil.asgi.uvicorn_protocol()`.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from . import AccessToken, Certificate
from .errors import CounterfoilError
from .gate import Gate

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection

__all__ = ["Authorized", "Gate", "Middleware", "uvicorn_protocol"]

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


async def accept(gate: Gate, scope: Scope) -> AccessToken:
    """Judges the request of an HTTP scope; in a thread where a lookup may take its time."""
    chain = (scope.get("extensions") or {}).get("tls", {}).get("client_cert_chain") or ()
    certificate = Certificate.pem(next(iter(chain)).strip()) if chain else None
    path = scope.get("raw_path") or quote(scope["path"]).encode()
    query = scope.get("query_string") or b""
    target = (path + b"?" + query if query else path).decode("latin-1")
    arguments = (scope["method"], target, scope["headers"], certificate, (scope.get("client") or (None,))[0])
    if gate.verifier.waits:
        return await asyncio.to_thread(gate.accept, *arguments)
    return gate.accept(*arguments)


class Middleware:
    """Lets requests with an accepted token reach `app`, and answers all others. WebSockets are refused: they have no such answer."""

    def __init__(self, app: App, gate: Gate) -> None:
        self.app, self.gate = app, gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await self.app(scope, receive, send)
        if scope["type"] != "http":
            return await send({"type": "websocket.close", "code": 1008})
        if self.gate.passes(scope["method"]):
            return await self.app(scope, receive, send)
        try:
            scope["counterfoil"] = await accept(self.gate, scope)
        except CounterfoilError as error:
            status, headers, body = Gate.answer(error)
            raw = [(name.lower().encode(), value.encode()) for name, value in headers]
            await send({"type": "http.response.start", "status": status, "headers": raw})
            return await send({"type": "http.response.body", "body": body})
        nonce = [(name.lower().encode(), value.encode()) for name, value in self.gate.nonce()]

        async def with_nonce(message: MutableMapping[str, Any]) -> None:
            if nonce and message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), *nonce]}
            await send(message)

        await self.app(scope, receive, with_nonce)


class Authorized:
    """A dependency for FastAPI and Starlette: `Depends(Authorized(gate.demanding(scopes=["accounts"])))` is the accepted token."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate

    async def __call__(self, connection: HTTPConnection) -> AccessToken:
        from starlette.exceptions import HTTPException

        try:
            return await accept(self.gate, connection.scope)
        except CounterfoilError as error:
            status, headers, _ = Gate.answer(error)
            own = {name: value for name, value in headers if not name.startswith("Content-")}
            raise HTTPException(status, detail=error.body.decode(), headers=own) from None


# FastAPI looks up annotations where a class is defined; with Starlette absent there is nothing to look up.
try:
    from starlette.requests import HTTPConnection  # noqa: F811
except ImportError:
    pass


def uvicorn_protocol() -> type[asyncio.Protocol]:
    """uvicorn's HTTP/1.1, with the ASGI TLS extension: `uvicorn.run(app, http=uvicorn_protocol(), ssl_cert_reqs=ssl.CERT_OPTIONAL, …)`."""
    from uvicorn.protocols.http.h11_impl import H11Protocol

    class Protocol(H11Protocol):
        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            own = transport.get_extra_info("ssl_object")
            der = own.getpeercert(binary_form=True) if own is not None else None
            self.app = _with_certificate(self.app, der)

    return Protocol


def _with_certificate(app: Any, der: bytes | None) -> Any:
    chain = [] if der is None else [ssl.DER_cert_to_PEM_cert(der)]

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        extensions = {**(scope.get("extensions") or {}), "tls": {"client_cert_chain": chain}}
        await app({**scope, "extensions": extensions}, receive, send)

    return wrapped
