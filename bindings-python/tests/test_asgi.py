"""FastAPI on uvicorn: the dependency on a route, the middleware around an application."""

import ssl
import threading
import time
import unittest

import uvicorn
from fastapi import Depends, FastAPI

from counterfoil import AccessToken, Verifier
from counterfoil.asgi import Authorized, Gate, Middleware, uvicorn_protocol
from material import KEY, ORIGIN, bearer, dpop, mint
from serving import Folder, Promises

GATE = Gate(Verifier(mint.ISSUER, mint.AUDIENCE, jwks=mint.jwks(KEY)), ORIGIN)
BEHIND = Gate(GATE.verifier, ORIGIN, certificate_header=("X-Client-Cert", "client_cert"), trusted_peers=["127.0.0.0/8"])
DEMANDING = Gate(Verifier(mint.ISSUER, mint.AUDIENCE, jwks=mint.jwks(KEY), dpop={"nonce_random": True}), ORIGIN, pass_options=True)
app = FastAPI()


@app.get("/accounts")
def accounts(token: AccessToken = Depends(Authorized(GATE))):
    return token.subject


@app.get("/behind")
async def behind(token: AccessToken = Depends(Authorized(BEHIND))):
    return token.subject


@app.get("/admin")
def admin(token: AccessToken = Depends(Authorized(GATE.demanding(scopes=["admin"])))):
    return token.subject


async def inner(scope, receive, send):
    body = scope["counterfoil"].subject.encode() if "counterfoil" in scope else b"passed"
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


class Server:
    def __init__(self, app, folder):
        config = uvicorn.Config(app, port=0, http=uvicorn_protocol(), log_level="warning", ssl_certfile=str(folder.certificate),
                                ssl_keyfile=str(folder.key), ssl_ca_certs=str(folder.authority), ssl_cert_reqs=ssl.CERT_OPTIONAL)
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run)
        self.thread.start()
        end = time.monotonic() + 20
        while not self.server.started and time.monotonic() < end:
            time.sleep(0.01)
        self.port = self.server.servers[0].sockets[0].getsockname()[1]

    def stop(self):
        self.server.should_exit = True
        self.thread.join(20)


class Case(unittest.TestCase):
    application = None

    @classmethod
    def setUpClass(cls):
        cls.folder = Folder()
        cls.addClassCleanup(cls.folder.remove)
        cls.server = Server(cls.application, cls.folder)
        cls.port = cls.server.port
        cls.addClassCleanup(cls.server.stop)


class FastApi(Promises, Case):
    application = staticmethod(app)

    def ask(self, *arguments, **named):
        """FastAPI wraps the body of a refusal."""
        status, headers, body = super().ask(*arguments, **named)
        if body.startswith(b'{"detail":'):
            body = body[11:-2].replace(b'\\"', b'"')
        return status, headers, body


class Around(Case):
    application = Middleware(inner, DEMANDING)

    def test_every_answer_has_a_nonce(self):
        status, headers, body = self.folder.ask(self.port, "/x", dpop("/x"))
        self.assertEqual((status, body), (401, b'{"error":"use_dpop_nonce"}'))
        status, headers, body = self.folder.ask(self.port, "/x", dpop("/x", nonce=headers["DPoP-Nonce"]))
        self.assertEqual((status, body), (200, b"user-1"))
        self.assertTrue(headers["DPoP-Nonce"])

    def test_options_pass_where_they_may(self):
        self.assertEqual(self.folder.ask(self.port, "/x", method="OPTIONS")[2], b"passed")
        self.assertEqual(self.folder.ask(self.port, "/x", bearer())[0], 401)


if __name__ == "__main__":
    unittest.main()
