"""Real servers over real TLS, for the tests of middleware."""

import http.client
import pathlib
import shutil
import ssl
import tempfile

from material import AUTHORITY, SERVER


class Folder:
    """The server's certificate and those of clients, in files."""

    def __init__(self):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="counterfoil-python-"))
        self.authority = self.path / "ca.pem"
        self.authority.write_text(AUTHORITY.pem)
        self.certificate, self.key = SERVER.write(self.path, "server")

    def server_context(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        context.load_verify_locations(self.authority)
        context.verify_mode = ssl.CERT_OPTIONAL
        return context

    def ask(self, port, path, headers=(), client=None, method="GET"):
        """(status, headers, body), as a client that may have a certificate."""
        context = ssl.create_default_context(cafile=str(self.authority))
        context.check_hostname = False
        if client is not None:
            context.load_cert_chain(*client.write(self.path, "client"))
        connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=20, context=context)
        connection.putrequest(method, path)
        for name, value in headers:
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return answer.status, answer.headers, body

    def remove(self):
        shutil.rmtree(self.path)


class Promises:
    """What every framework's middleware must do; `path` leads to a resource that answers the token's subject."""

    folder: Folder
    port: int

    def ask(self, *arguments, **named):
        return self.folder.ask(self.port, *arguments, **named)

    def test_a_client_with_its_certificate(self):
        import material

        status, _, body = self.ask("/accounts?x=1", material.bearer(), material.CLIENT)
        self.assertEqual((status, body), (200, b'"user-1"'), body)
        for client in (None, material.OTHER):
            status, headers, body = self.ask("/accounts", material.bearer(), client)
            self.assertEqual((status, body), (401, b'{"error":"invalid_token"}'))
            self.assertIn("invalid_token", headers["WWW-Authenticate"])

    def test_a_client_with_proofs(self):
        import material

        headers = material.dpop("/accounts?x=%31")
        self.assertEqual(self.ask("/accounts?x=%31", headers)[0], 200)
        status, answer, body = self.ask("/accounts", headers)
        self.assertEqual((status, body), (401, b'{"error":"invalid_dpop_proof"}'))
        self.assertEqual(self.ask("/admin", material.dpop("/accounts"))[0], 401)

    def test_a_forwarded_certificate_counts_from_trusted_peers_alone(self):
        import base64

        import material

        field = ("X-Client-Cert", f":{base64.b64encode(material.CLIENT.der).decode()}:")
        self.assertEqual(self.ask("/accounts", [*material.bearer(), field], material.OTHER)[0], 401)
        self.assertEqual(self.ask("/behind", [*material.bearer(), field])[0], 200)
        self.assertEqual(self.ask("/behind", [*material.bearer(), field, field])[0], 400)
        self.assertEqual(self.ask("/behind", material.bearer(), material.CLIENT)[0], 401)

    def test_a_route_with_demands_of_its_own(self):
        import material

        status, headers, _ = self.ask("/admin", material.bearer(), material.CLIENT)
        self.assertEqual(status, 403)
        self.assertIn('scope="admin"', headers["WWW-Authenticate"])

    def test_no_credential(self):
        status, headers, _ = self.ask("/accounts")
        self.assertEqual(status, 401)
        self.assertIn("Bearer", headers["WWW-Authenticate"])
