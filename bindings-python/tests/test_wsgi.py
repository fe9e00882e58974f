"""Flask and Django on a threaded WSGI server: the middleware around an application, and routes with demands of their own."""

import threading
import unittest

import django
import django.conf
import flask
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse, JsonResponse
from django.urls import path
from werkzeug.serving import WSGIRequestHandler, make_server

from counterfoil import CounterfoilError, Verifier, wsgi
from counterfoil.wsgi import Gate, Middleware
from material import KEY, ORIGIN, mint
from serving import Folder, Promises

GATE = Gate(Verifier(mint.ISSUER, mint.AUDIENCE, jwks=mint.jwks(KEY)), ORIGIN)
BEHIND = Gate(GATE.verifier, ORIGIN, certificate_header=("X-Client-Cert", "client_cert"), trusted_peers=["127.0.0.1"])
ADMIN = GATE.demanding(scopes=["admin"])


class Routes:
    """Two sets of rules in front of one application: by path."""

    def __init__(self, application):
        self.plain, self.behind = Middleware(application, GATE), Middleware(application, BEHIND)

    def __call__(self, environ, start_response):
        chosen = self.behind if environ["PATH_INFO"].startswith("/behind") else self.plain
        return chosen(environ, start_response)


app = flask.Flask(__name__)


@app.get("/accounts")
@app.get("/behind")
def accounts():
    return flask.jsonify(flask.request.environ["counterfoil.token"].subject).get_data().strip()


@app.get("/admin")
def admin():
    token = flask.request.environ["counterfoil.token"]
    if not token.has_scope("admin"):
        try:
            wsgi.accept(ADMIN, flask.request.environ)
        except CounterfoilError as error:
            status, headers, body = Gate.answer(error)
            return body, status, headers
    return "ok"


def django_accounts(request):
    return JsonResponse(request.environ["counterfoil.token"].subject, safe=False)


def django_admin(request):
    try:
        wsgi.accept(ADMIN, request.environ)
    except CounterfoilError as error:
        status, headers, body = Gate.answer(error)
        return HttpResponse(body, status=status, headers=dict(headers))
    return HttpResponse("ok")


django.conf.settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="of the test")
urlpatterns = [path("accounts", django_accounts), path("behind", django_accounts), path("admin", django_admin)]


class Quiet(WSGIRequestHandler):
    def log(self, *_):
        pass


class Case(Promises):
    @classmethod
    def setUpClass(cls):
        cls.folder = Folder()
        cls.addClassCleanup(cls.folder.remove)
        cls.server = make_server("127.0.0.1", 0, Routes(cls.application()), threaded=True, request_handler=Quiet,
                                 ssl_context=cls.folder.server_context())
        cls.port = cls.server.server_port
        thread = threading.Thread(target=cls.server.serve_forever)
        thread.start()
        cls.addClassCleanup(thread.join, 10)
        cls.addClassCleanup(cls.server.server_close)
        cls.addClassCleanup(cls.server.shutdown)


class Flask(Case, unittest.TestCase):
    @staticmethod
    def application():
        return app.wsgi_app


class Django(Case, unittest.TestCase):
    @staticmethod
    def application():
        django.setup()
        return get_wsgi_application()


if __name__ == "__main__":
    unittest.main()
