"""For WSGI (Flask, Django, Pyramid…): a middleware without dependencies.

    app.wsgi_app = Middleware(app.wsgi_app, Gate(verifier, "https://api.example.com"))

The accepted token is `environ["counterfoil.token"]`. The client's certificate is `SSL_CLIENT_CERT` (mod_ssl, werkzeug, cheroot) or that of
gunicorn's socket.
"""

from __future__ import annotations

import http.client
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote

from . import AccessToken, Certificate
from .errors import CounterfoilError
from .gate import Gate

__all__ = ["Gate", "Middleware", "accept"]

Environ = dict[str, Any]
App = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]


def accept(gate: Gate, environ: Environ) -> AccessToken:
    """Judges the request of an environ, for a route with demands of its own."""
    headers = [(name[5:].replace("_", "-").encode(), value.encode("latin-1")) for name, value in environ.items() if name.startswith("HTTP_")]
    return gate.accept(environ["REQUEST_METHOD"], _target(environ), headers, _certificate(environ), environ.get("REMOTE_ADDR"))


def _target(environ: Environ) -> str:
    """Path and query as they were sent: as the server keeps them, or put together again."""
    for name in ("RAW_URI", "REQUEST_URI"):
        if sent := environ.get(name):
            return str(sent) if sent.startswith("/") else "/" + str(sent).split("/", 3)[-1]
    path = quote((environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")).encode("latin-1"))
    query = environ.get("QUERY_STRING", "")
    return f"{path}?{query}" if query else path


def _certificate(environ: Environ) -> Certificate | bytes | None:
    if pem := environ.get("SSL_CLIENT_CERT"):
        return Certificate.pem(pem.strip())
    own: Any = environ.get("gunicorn.socket")
    der: bytes | None = own.getpeercert(binary_form=True) if hasattr(own, "getpeercert") else None
    return der


class Middleware:
    """Lets requests with an accepted token reach `app`, and answers all others."""

    def __init__(self, app: App, gate: Gate) -> None:
        self.app, self.gate = app, gate

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        if self.gate.passes(environ["REQUEST_METHOD"]):
            return self.app(environ, start_response)
        try:
            environ["counterfoil.token"] = accept(self.gate, environ)
        except CounterfoilError as error:
            status, headers, body = Gate.answer(error)
            start_response(f"{status} {http.client.responses[status]}", headers)
            return [body]
        nonce = self.gate.nonce()

        def with_nonce(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            return start_response(status, [*headers, *nonce], *more)

        return self.app(environ, with_nonce if nonce else start_response)
