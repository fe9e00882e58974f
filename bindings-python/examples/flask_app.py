"""Flask: all routes behind the middleware; the certificate comes from the proxy in front."""

from flask import Flask, jsonify, request
from flask.typing import ResponseReturnValue

from counterfoil import Verifier
from counterfoil.wsgi import Gate, Middleware

app = Flask(__name__)
verifier = Verifier("https://as.example", "https://api.example", jwks_uri="https://as.example/jwks")
gate = Gate(verifier, "https://api.example", certificate_header=("Client-Cert", "client_cert"), trusted_peers=["10.0.0.0/8"])
app.wsgi_app = Middleware(app.wsgi_app, gate)  # type: ignore[method-assign]


@app.get("/accounts")
def accounts() -> ResponseReturnValue:
    return jsonify(subject=request.environ["counterfoil.token"].subject)
