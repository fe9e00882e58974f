"""FastAPI: `uvicorn` with the client's certificate, and a token for each route."""

import ssl

import uvicorn
from fastapi import Depends, FastAPI

from counterfoil import AccessToken, Verifier
from counterfoil.asgi import Authorized, Gate, uvicorn_protocol

verifier = Verifier("https://as.example", "https://api.example", jwks_uri="https://as.example/jwks", dpop={"nonce_random": True})
gate = Gate(verifier, "https://api.example")
app = FastAPI()


@app.get("/accounts")
def accounts(token: AccessToken = Depends(Authorized(gate.demanding(scopes=["accounts"])))) -> dict[str, str | None]:
    return {"subject": token.subject}


if __name__ == "__main__":
    uvicorn.run(app, port=8443, http=uvicorn_protocol(), ssl_certfile="server.pem", ssl_keyfile="server.key",
                ssl_ca_certs="clients.pem", ssl_cert_reqs=ssl.CERT_OPTIONAL)
