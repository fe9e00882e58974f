"""Why something was refused: one class for each family of codes, each error with its code, number and RFC section."""

from __future__ import annotations

from ._codes import CODES

__all__ = [
    "BoundaryError", "ClaimError", "ConfigurationError", "ConfirmationError", "CounterfoilError", "ProofError", "RequestError", "ResponseError",
    "ShapeError", "SignatureError", "SplitTokenError",
]


class CounterfoilError(Exception):
    """A refusal, or a mistake in the configuration. Holds nothing of what was judged, so it may be logged."""

    #: The stable name of the reason, as `token_expired`.
    code: str
    #: The stable number of the reason.
    number: int
    #: The section that asks for it, as `RFC 7519 section 4.1.4`; None where no specification does.
    rfc: str | None
    #: The HTTP status to answer with.
    status: int
    #: The value of `WWW-Authenticate` to answer with; None where none is sent, and for what is no request.
    www_authenticate: str | None
    #: The value of `DPoP-Nonce` to answer with; None where none is demanded.
    dpop_nonce: str | None
    #: For a mistake in the configuration, where it is.
    about: str | None

    def __init__(
        self, number: int, www_authenticate: str | None = None, dpop_nonce: str | None = None, about: str | None = None
    ) -> None:
        self.code, _, self.status, self.rfc, sentence = CODES[number]
        self.number, self.www_authenticate, self.dpop_nonce, self.about = number, www_authenticate, dpop_nonce, about
        super().__init__(f"{self.code}: {sentence}" if about is None else f"{self.code}: {about}")

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.number, self.www_authenticate, self.dpop_nonce, self.about)

    @property
    def body(self) -> bytes:
        """A JSON body that says no more than the challenge does."""
        error = _ERRORS.get(self.code) or _BY_STATUS.get(self.status) or _BY_FAMILY.get(CODES[self.number][1], "invalid_token")
        return b'{"error":"' + error.encode() + b'"}'


class BoundaryError(CounterfoilError):
    """Between the engine and this language; `panicked` is a mistake of this library's."""


class ShapeError(CounterfoilError):
    """The bytes are not what they claim to be."""


class SignatureError(CounterfoilError):
    """Signatures and keys."""


class ClaimError(CounterfoilError):
    """The claims of a token."""


class ConfirmationError(CounterfoilError):
    """The binding of a token to its holder."""


class ProofError(CounterfoilError):
    """DPoP proofs (RFC 9449)."""


class ResponseError(CounterfoilError):
    """JARM responses."""


class SplitTokenError(CounterfoilError):
    """Split and phantom tokens, and their lookup."""


class RequestError(CounterfoilError):
    """The credentials of an HTTP request."""


class ConfigurationError(CounterfoilError):
    """A mistake of the caller's: what is configured, or how it is called."""


_FAMILIES: dict[str, type[CounterfoilError]] = {
    "Boundary": BoundaryError,
    "Shape": ShapeError,
    "Signature": SignatureError,
    "Claim": ClaimError,
    "Confirmation": ConfirmationError,
    "Proof": ProofError,
    "Response": ResponseError,
    "SplitToken": SplitTokenError,
    "Request": RequestError,
    "Misuse": ConfigurationError,
}
_ERRORS = {"scope_insufficient": "insufficient_scope", "authentication_context": "insufficient_user_authentication",
           "authentication_age": "insufficient_user_authentication", "nonce_required": "use_dpop_nonce", "nonce_invalid": "use_dpop_nonce"}
_BY_STATUS = {400: "invalid_request", 500: "server_error", 503: "temporarily_unavailable"}
_BY_FAMILY = {"Proof": "invalid_dpop_proof"}


def refusal(number: int, www_authenticate: str | None, dpop_nonce: str | None, about: str | None) -> CounterfoilError:
    """The error of a number, for the extension module."""
    return _FAMILIES[CODES[number][1]](number, www_authenticate, dpop_nonce, about)
