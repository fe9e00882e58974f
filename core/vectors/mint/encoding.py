"""base64url, and how the vector files spell texts that JSON cannot hold or that are long."""

import base64
import re


def b64u(data):
    """base64url without padding."""
    if isinstance(data, str):
        data = data.encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64u(text):
    """The inverse of b64u."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def b64u_int(value):
    """Base64urlUInt of RFC 7518 section 2: the fewest octets."""
    return b64u(value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big"))


LONG = 400
REPEATED = re.compile(r"(.{1,64}?)\1{11,}", re.DOTALL)


def text(value):
    """A text of the schema: plain where JSON can hold it, otherwise hex; runs of long texts become {"text", "times"}."""
    if isinstance(value, (bytes, bytearray)):
        try:
            value = bytes(value).decode()
        except UnicodeDecodeError:
            return {"hex": bytes(value).hex()}
    if len(value) < LONG:
        return value
    parts, at = [], 0
    for run in REPEATED.finditer(value):
        if run.end() - run.start() < 200:
            continue
        if run.start() > at:
            parts.append(value[at : run.start()])
        parts.append({"text": run[1], "times": (run.end() - run.start()) // len(run[1])})
        at = run.end()
    if at < len(value):
        parts.append(value[at:])
    return parts[0] if len(parts) == 1 and isinstance(parts[0], str) else parts
