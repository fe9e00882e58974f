"""What the middleware of all frameworks has in common: from a request to an accepted token, or to an answer."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Sequence

from . import AccessToken, Certificate, Verifier
from ._codes import CODES
from .errors import CounterfoilError, refusal

__all__ = ["Answer", "Gate"]

Header = tuple[bytes, bytes]
Answer = tuple[int, list[tuple[str, str]], bytes]

_FORMS: dict[str, Callable[[bytes], Certificate]] = {
    "pem": Certificate.pem, "escaped_pem": Certificate.escaped_pem, "client_cert": Certificate.client_cert,
}


class Gate:
    """Rules for requests: a verifier, and what the outside of this service looks like.

    `origin` is scheme and authority as clients write them (`https://api.example.com`): never taken from a request. `certificate_header` names
    a header with the client's certificate and its form (`pem`, `escaped_pem` or `client_cert`), which counts from `trusted_peers` (addresses
    or networks) alone, and of those alone; everybody else's certificate is the TLS connection's.
    """

    def __init__(
        self,
        verifier: Verifier,
        origin: str,
        *,
        certificate_header: tuple[str, str] | None = None,
        trusted_peers: Iterable[str] = (),
        pass_options: bool = False,
        scopes: Sequence[str] | None = None,
        acr_values: Sequence[str] | None = None,
        max_age: int | None = None,
    ) -> None:
        if not origin.startswith("https://") or "/" in origin[8:]:
            raise ValueError("origin: https://HOST[:PORT], without a path")
        peers = [ipaddress.ip_network(peer) for peer in trusted_peers]
        if (certificate_header is None) != (not peers):
            raise ValueError("certificate_header and trusted_peers belong together")
        self.verifier, self.origin, self.pass_options = verifier, origin, pass_options
        self._peers = peers
        self._header = None if certificate_header is None else (certificate_header[0].lower().encode(), _FORMS[certificate_header[1]])
        self._demands = (scopes, acr_values, max_age)

    def demanding(
        self, scopes: Sequence[str] | None = None, acr_values: Sequence[str] | None = None, max_age: int | None = None
    ) -> Gate:
        """The same rules with other demands, for one route."""
        other = object.__new__(Gate)
        other.__dict__.update(self.__dict__, _demands=(scopes, acr_values, max_age))
        return other

    def accept(
        self, method: str, target: str, headers: Sequence[Header], certificate: Certificate | bytes | None, peer: str | None
    ) -> AccessToken:
        """Judges a request. `target` is path and query as they were sent, `certificate` the TLS connection's, `peer` the address it is from."""
        if self._header is not None and self._is_trusted(peer):
            certificate = self._forwarded(headers)
        scopes, acr_values, max_age = self._demands
        url = self.origin + target
        return self.verifier.accept_request(method, url, headers, certificate, scopes=scopes, acr_values=acr_values, max_age=max_age)

    def passes(self, method: str) -> bool:
        """Whether such a request goes on unjudged, as a CORS preflight must."""
        return self.pass_options and method == "OPTIONS"

    def nonce(self) -> list[tuple[str, str]]:
        """The header that every answer has where nonces are demanded (RFC 9449 section 8.2)."""
        nonce = self.verifier.dpop_nonce()
        return [] if nonce is None else [("DPoP-Nonce", nonce)]

    @staticmethod
    def answer(error: CounterfoilError) -> Answer:
        """Status, headers and body for a refused request."""
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(error.body)))]
        if error.www_authenticate is not None:
            headers.append(("WWW-Authenticate", error.www_authenticate))
        if error.dpop_nonce is not None:
            headers.append(("DPoP-Nonce", error.dpop_nonce))
        return error.status, headers, error.body

    def _is_trusted(self, peer: str | None) -> bool:
        try:
            address = ipaddress.ip_address(peer or "")
        except ValueError:
            return False
        # Where one socket listens for both, addresses of IPv4 come as ::ffff:192.0.2.1.
        address = getattr(address, "ipv4_mapped", None) or address
        return any(address in network for network in self._peers)

    def _forwarded(self, headers: Sequence[Header]) -> Certificate | None:
        assert self._header is not None
        name, form = self._header
        # What a server behind a CGI-like interface cannot tell apart must not slip past.
        values = [value for own, value in headers if own.lower().replace(b"_", b"-") == name.replace(b"_", b"-")]
        if len(values) > 1:
            raise refusal(_REPEATED, None, None, None)
        return form(values[0].strip()) if values else None


_REPEATED = next(number for number, row in CODES.items() if row[0] == "certificate_repeated")
