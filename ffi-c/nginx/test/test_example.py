"""example/nginx.conf as it stands, but for ports and paths."""

import json
import pathlib
import unittest

import gateway
import mint
from case import CLIENT, HOLDER, KEY, SERVER, dpop

EXAMPLE = pathlib.Path(__file__).resolve().parents[1] / "example/nginx.conf"


class Example(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.api = gateway.Api()
        cls.api.jwks["set"] = mint.jwks(KEY)
        cls.nginx = gateway.Nginx("", start=False)
        cls.nginx.port = cls.nginx.tls_port
        folder = cls.nginx.folder
        (folder / "logs").mkdir()
        (folder / "nonce.secret").write_bytes(bytes(range(32)))
        SERVER.write(folder, "server")
        text = EXAMPLE.read_text()
        for old, new in (("modules/ngx_http_counterfoil_module.so", str(gateway.MODULE)), ("listen 8443", f"listen 127.0.0.1:{cls.nginx.tls_port}"),
                         ("127.0.0.1:9000", f"127.0.0.1:{cls.api.port}"), ("127.0.0.1:9001", f"127.0.0.1:{cls.api.port}")):
            assert old in text
            text = text.replace(old, new)
        temporary = "".join(f"{name}_temp_path {folder}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        text = f"user root; pid {folder}/nginx.pid; error_log {folder}/error.log;\n" + text.replace("http {", "http {" + temporary, 1)
        cls.nginx.write = lambda: (folder / "nginx.conf").write_text(text)
        cls.nginx.start()
        cls.context = gateway.client_context(CLIENT.write(folder, "client"))

    @classmethod
    def tearDownClass(cls):
        cls.nginx.stop()
        cls.api.close()

    def get(self, path, headers):
        status, answer, body = self.nginx.request(path, headers, tls=self.context)
        return status, answer, dict((name.lower(), value) for name, value in json.loads(body).get("headers", [])) if body else {}

    def test_each_kind_of_token_reaches_the_api_as_a_jwt(self):
        bound, held = mint.token(KEY, CLIENT.cnf), mint.token(KEY, {"jkt": HOLDER.thumbprint})
        head, _, ticket = bound.rpartition(".")
        self.api.counterfoils[mint.b64(mint.sha256(ticket))] = head
        self.api.references["token=reference"] = bound
        for path, credential in (("/mtls/", bound), ("/split/", ticket), ("/phantom/", "reference")):
            status, _, seen = self.get(path, [("Authorization", f"Bearer {credential}"), ("X-Subject", "mallory")])
            self.assertEqual((status, seen.get("authorization"), seen.get("x-subject")), (200, f"Bearer {bound}", "user-1"), path)
            self.assertEqual(self.get(path, [])[0], 401)
            self.assertEqual(self.get(path, [("Authorization", f"Bearer {credential[:-1]}")])[0], 401)
        status, answer, _ = self.get("/dpop/", dpop("/dpop/", held))
        self.assertEqual(status, 401)
        headers = dpop("/dpop/", held, nonce=answer["DPoP-Nonce"])
        status, _, seen = self.get("/dpop/", headers)
        self.assertEqual((status, seen["authorization"]), (200, f"Bearer {held}"))
        self.assertEqual(self.get("/dpop/", headers)[0], 401)
        asked = [headers for service, _, headers, _ in self.api.asked if service == "introspect"]
        self.assertEqual(asked[0]["Authorization"], "Basic Z2F0ZXdheTpzZWNyZXQ=")


if __name__ == "__main__":
    unittest.main(verbosity=2)
