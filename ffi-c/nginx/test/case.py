"""What the tests of the module share: keys, certificates, one nginx with many locations."""

import base64
import json
import time
import unittest

import gateway
import mint

ORIGIN = "https://api.example.com"
KEY, OTHER_KEY, HOLDER, OTHER_HOLDER = mint.Key("k1"), mint.Key("k2"), mint.Key(), mint.Key()
AUTHORITY = mint.Certificate("authority", authority=True)
CLIENT = mint.Certificate("client", AUTHORITY)
OTHER_CLIENT = mint.Certificate("other", AUTHORITY)
SELF_SIGNED = mint.Certificate("self")
EXPIRED = mint.Certificate("expired", days=(-10, -1))
SERVER = mint.Certificate("localhost", AUTHORITY)

LOCATIONS = """
        location / { proxy_pass http://services; }
        location /first/ { index index.html; root %(folder)s/www; }
        location /tried/ { try_files $uri /named/x; }
        location /named/ { proxy_pass http://services; }
        location /missing/ { error_page 404 = /named/x; root %(folder)s/www; }
        location /stricter/ { counterfoil_scopes admin; proxy_pass http://services; }
        location /to-stricter/ { try_files /nothing /stricter/x; }
        location /headers/ {
            counterfoil_claim_header X-User sub; counterfoil_claim_header X-Client client_id; counterfoil_claim_header X-Odd odd;
            proxy_set_header X-Variable $counterfoil_claim_scope; proxy_pass http://services;
        }
        location /original/ { counterfoil_forward original; proxy_pass http://services; }
        location /none/ { counterfoil_forward none; proxy_pass http://services; }
        location /quiet/ { counterfoil_scopes admin; counterfoil_realm api; proxy_pass http://services; }
        location /options/ { counterfoil_pass_options on; counterfoil_claim_header X-User sub; proxy_pass http://services; }
        location /nonce/ { counterfoil_dpop_nonce secret_file=%(folder)s/secret; proxy_pass http://services; }
        location /split/ { counterfoil_split /counterfoils valid=1s; proxy_pass http://services; }
        location /phantom/ { counterfoil_introspection /introspect valid=1s; proxy_pass http://services; }
        location /forwarded/ { counterfoil_certificate_header X-Client-Cert client_cert 127.0.0.1; proxy_pass http://services; }
        location /distrusted/ { counterfoil_certificate_header X-Client-Cert client_cert 192.0.2.1; proxy_pass http://services; }
        location /issuers/ {
            counterfoil_issuer https://as.example.com jwks_file=%(folder)s/jwks.json;
            counterfoil_issuer https://other.example.com jwks_file=%(folder)s/jwks2.json;
            proxy_pass http://services;
        }
        location /remote/ { counterfoil_issuer https://as.example.com jwks_location=/jwks; proxy_pass http://services; }
        location = /counterfoils { internal; counterfoil off; proxy_pass http://services/counterfoils/$counterfoil_key; }
        location = /introspect { internal; counterfoil off; log_subrequest on; proxy_pass http://services/introspect; }
        location = /jwks { internal; counterfoil off; proxy_pass http://services/jwks/set; }
"""


def configuration(api, zone="8m", locations=LOCATIONS):
    def http(nginx):
        folder = nginx.folder
        (folder / "www/first").mkdir(parents=True, exist_ok=True)
        (folder / "www/first/index.html").write_text("first")
        (folder / "secret").write_bytes(bytes(range(32)))
        (folder / "jwks.json").write_text(mint.jwks(KEY))
        (folder / "jwks2.json").write_text(mint.jwks(OTHER_KEY))
        (folder / "ca.pem").write_text(AUTHORITY.pem)
        SERVER.write(folder, "server")
        return f"""
    counterfoil_zone {zone};
    counterfoil on; counterfoil_audience {mint.AUDIENCE}; counterfoil_origin {ORIGIN};
    counterfoil_issuer {mint.ISSUER} jwks_file={folder}/jwks.json;
    upstream services {{ server 127.0.0.1:{api.port}; }}
    server {{
        listen 127.0.0.1:{nginx.port} reuseport;
        listen 127.0.0.1:{nginx.tls_port} ssl http2 reuseport;
        ssl_certificate {folder}/server.pem; ssl_certificate_key {folder}/server.key;
        ssl_client_certificate {folder}/ca.pem; ssl_verify_client optional_no_ca; ssl_session_cache shared:tls:1m; ssl_protocols TLSv1.2 TLSv1.3;
        add_header X-Code $counterfoil_code always;
        {locations % {'folder': folder}}
    }}"""
    return http


def dpop(path, token=None, holder=HOLDER, method="GET", credential=None, **more):
    credential = credential or token or mint.token(KEY, {"jkt": HOLDER.thumbprint})
    return [("Authorization", f"DPoP {credential}"), ("DPoP", mint.proof(holder, method, ORIGIN + path, credential, **more))]


class Case(unittest.TestCase):
    workers, zone = 1, "8m"

    @classmethod
    def setUpClass(cls):
        cls.api = gateway.Api()
        cls.nginx = gateway.Nginx(configuration(cls.api, cls.zone), f"worker_processes {cls.workers};")

    @classmethod
    def tearDownClass(cls):
        log = cls.nginx.errors()
        cls.nginx.stop()
        cls.api.close()
        assert cls.may_crash or "[alert]" not in log, log[-2000:]

    #: Workers are killed, which nginx is alarmed about.
    may_crash = False

    def setUp(self):
        self.api.down = False

    def ask(self, path, headers=(), expect="ok", status=None, **more):
        got, answer, body = self.nginx.request(path, list(headers), **more)
        self.assertEqual(answer.get("X-Code"), expect, f"{path}: {got} {body[:200]}")
        if status is not None:
            self.assertEqual(got, status)
        return answer, body

    def upstream(self, body):
        return [(name.lower(), value) for name, value in json.loads(body)["headers"]]
