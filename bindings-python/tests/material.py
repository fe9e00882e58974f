"""Keys, certificates, tokens and proofs, minted like those of the gateway's tests."""

import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "ffi-c/nginx/test"))

import mint  # noqa: E402

KEY, HOLDER, AUTHORITY = mint.Key("k1"), mint.Key(), mint.Certificate("authority", authority=True)
CLIENT, OTHER, SERVER = (mint.Certificate(name, AUTHORITY) for name in ("client", "other", "localhost"))
ORIGIN = "https://api.example.com"
BOUND = mint.token(KEY, CLIENT.cnf)
HELD = mint.token(KEY, {"jkt": HOLDER.thumbprint})


def bearer(token=BOUND):
    return [("Authorization", f"Bearer {token}")]


def dpop(path, token=HELD, method="GET", **more):
    return [("Authorization", f"DPoP {token}"), ("DPoP", mint.proof(HOLDER, method, ORIGIN + path, token, **more))]
