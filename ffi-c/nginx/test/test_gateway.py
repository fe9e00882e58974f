"""What the module promises, row by row of the attack table, on the real nginx."""

import base64
import concurrent.futures
import json
import os
import signal
import ssl
import subprocess
import time
import unittest
import urllib.parse

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
        assert "[alert]" not in log.replace("exited on signal 9", "").replace("[alert] ", "[alert]", 0) or cls.may_crash, log[-2000:]

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


class Answers(Case):
    def test_no_credential_gets_a_bare_challenge(self):
        answer, _ = self.ask("/x", expect="credential_missing", status=401)
        self.assertEqual(answer["WWW-Authenticate"], 'Bearer, DPoP algs="ES256 PS256 EdDSA Ed25519"')

    def test_a_scope_that_is_missing_is_403_and_named(self):
        answer, body = self.ask("/quiet/", dpop("/quiet/"), "scope_insufficient", 403)
        self.assertEqual(answer["WWW-Authenticate"],
                         'DPoP realm="api", error="insufficient_scope", scope="admin", algs="ES256 PS256 EdDSA Ed25519"')
        self.assertEqual(json.loads(body), {"error": "insufficient_scope"})
        self.assertEqual(answer["Content-Type"], "application/json")

    def test_a_nonce_is_demanded_given_and_accepted(self):
        answer, _ = self.ask("/nonce/", dpop("/nonce/"), "nonce_required", 401)
        self.assertIn('error="use_dpop_nonce"', answer["WWW-Authenticate"])
        answer, _ = self.ask("/nonce/", dpop("/nonce/", nonce=answer["DPoP-Nonce"]), status=200)
        self.assertEqual(len(answer["DPoP-Nonce"]), 43)
        answer, _ = self.ask("/nonce/", dpop("/nonce/", nonce="A" * 43), "nonce_invalid", 401)
        self.assertIsNotNone(answer["DPoP-Nonce"])

    def test_options_pass_only_where_that_is_asked_for(self):
        self.ask("/x", expect="credential_missing", status=401, method="OPTIONS")
        _, _, body = self.nginx.request("/options/", [("X-User", "mallory"), ("Origin", "https://app")], "OPTIONS")
        self.assertNotIn("x-user", dict(self.upstream(body)))
        self.ask("/options/", expect="credential_missing", status=401)

    def test_head_and_post_with_a_body(self):
        self.ask("/x", dpop("/x", method="HEAD"), method="HEAD", status=200)
        _, body = self.ask("/x", dpop("/x", method="POST"), method="POST", body=b"hello", status=200)
        self.assertEqual(json.loads(body)["body"], "hello")
        self.ask("/x", expect="credential_missing", method="POST", body=b"hello", status=401)

    def test_credentials_in_the_query_are_refused(self):
        token = mint.token(KEY, {"jkt": HOLDER.thumbprint})
        self.ask(f"/x?access_token={token}", expect="credential_in_query", status=400)


class Forwarding(Case):
    def test_claims_become_headers_and_variables_and_inbound_copies_go(self):
        spoofed = [("X-User", "mallory"), ("x-user", "mallory"), ("X-CLIENT", "mallory"), ("X-Odd", "mallory"), ("X-Kept", "kept")]
        token = mint.token(KEY, {"jkt": HOLDER.thumbprint}, sub="zoë", odd="a\r\nX-Admin: yes")
        _, body = self.ask("/headers/", [*dpop("/headers/", token), *spoofed], status=200)
        headers = self.upstream(body)
        self.assertEqual([value.encode("latin-1").decode() for name, value in headers if name == "x-user"], ["zoë"])
        self.assertEqual([value for name, value in headers if name == "x-client"], ["client-7"])
        self.assertEqual([value for name, value in headers if name in ("x-odd", "x-admin")], [])
        self.assertEqual(dict(headers)["x-variable"], "accounts payments")
        self.assertEqual(dict(headers)["x-kept"], "kept")

    def test_many_headers_survive(self):
        many = [(f"X-Many-{number}", str(number)) for number in range(90)]
        _, body = self.ask("/headers/", [*dpop("/headers/"), *many], status=200)
        self.assertEqual([value for name, value in self.upstream(body) if name.startswith("x-many")], [value for _, value in many])

    def test_what_is_forwarded_is_chosen(self):
        token = mint.token(KEY, {"jkt": HOLDER.thumbprint})
        for path, authorization, proofs in (("/x", [f"Bearer {token}"], 0), ("/original/", [f"DPoP {token}"], 1), ("/none/", [], 0)):
            _, body = self.ask(path, dpop(path, token), status=200)
            headers = self.upstream(body)
            self.assertEqual([value for name, value in headers if name == "authorization"], authorization, path)
            self.assertEqual(sum(name == "dpop" for name, _ in headers), proofs, path)

    def test_several_issuers_each_by_its_own_keys(self):
        cnf = {"jkt": HOLDER.thumbprint}
        self.ask("/issuers/", dpop("/issuers/", mint.token(KEY, cnf)))
        self.ask("/issuers/", dpop("/issuers/", mint.token(OTHER_KEY, cnf, iss="https://other.example.com")))
        self.ask("/issuers/", dpop("/issuers/", mint.token(KEY, cnf, iss="https://other.example.com")), "key_unknown", 401)
        crossed = mint.token(KEY, cnf, {"kid": "k2"}, iss="https://other.example.com")
        self.ask("/issuers/", dpop("/issuers/", crossed), "signature_invalid", 401)
        self.ask("/issuers/", dpop("/issuers/", mint.token(KEY, cnf, iss="https://third.example.com")), "issuer_mismatch", 401)

    def test_keys_from_an_internal_location(self):
        token = mint.token(KEY, {"jkt": HOLDER.thumbprint})
        self.ask("/remote/", dpop("/remote/", token), "lookup_unavailable", 503)
        self.api.jwks["set"] = mint.jwks(KEY)
        time.sleep(1.1)
        self.ask("/remote/", dpop("/remote/", token), status=200)
        asked = sum(service == "jwks" for service, *_ in self.api.asked)
        for number in range(20):
            self.ask("/remote/", dpop("/remote/", mint.token(KEY, {"jkt": HOLDER.thumbprint}, {"kid": f"unknown-{number}"})), "key_unknown", 401)
        self.assertLessEqual(sum(service == "jwks" for service, *_ in self.api.asked) - asked, 1)
        self.nginx.reload()
        before = sum(service == "jwks" for service, *_ in self.api.asked)
        self.ask("/remote/", dpop("/remote/", token), status=200)
        self.assertEqual(sum(service == "jwks" for service, *_ in self.api.asked), before)


class Redirects(Case):
    """nginx comes by again on index, try_files and error_page: one decision, one use of the proof."""

    def test_one_decision(self):
        for path, status in (("/first/", 200), ("/tried/x", 200), ("/missing/x", 200)):
            headers = dpop(path)
            self.ask(path, headers, status=status)
            self.ask(path, headers, "proof_replayed", 401)

    def test_a_stricter_location_is_not_entered_by_a_redirect(self):
        self.ask("/to-stricter/x", dpop("/to-stricter/x"), "scope_insufficient", 403)
        token = mint.token(KEY, {"jkt": HOLDER.thumbprint}, scope="admin")
        headers = dpop("/to-stricter/x", token)
        self.ask("/to-stricter/x", headers, status=200)
        self.ask("/to-stricter/x", headers, "proof_replayed", 401)


class Mtls(Case):
    def files(self, certificate, name):
        return certificate.write(self.nginx.folder, name)

    def test_the_right_certificate_alone(self):
        token = [("Authorization", "Bearer " + mint.token(KEY, CLIENT.cnf))]
        right = gateway.client_context(self.files(CLIENT, "client"))
        other = gateway.client_context(self.files(OTHER_CLIENT, "other"))
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = gateway.client_context(self.files(CLIENT, "client"), version)
            self.ask("/x", token, tls=context, status=200)
        self.ask("/x", token, "certificate_mismatch", 401, tls=other)
        self.ask("/x", token, "certificate_missing", 401, tls=gateway.client_context())
        self.ask("/x", token, "certificate_missing", 401)
        self.ask("/x", [("Authorization", "Bearer " + mint.token(KEY, SELF_SIGNED.cnf))], status=200,
                 tls=gateway.client_context(self.files(SELF_SIGNED, "self")))
        self.ask("/x", [("Authorization", "Bearer " + mint.token(KEY))], "confirmation_missing", 401, tls=right)

    def test_an_expired_certificate_is_refused_by_nginx_itself(self):
        context = gateway.client_context(self.files(EXPIRED, "expired"))
        status, answer, _ = self.nginx.request("/x", [("Authorization", "Bearer " + mint.token(KEY, EXPIRED.cnf))], tls=context)
        self.assertEqual((status, answer.get("X-Code")), (400, None))

    def test_resumed_sessions_bring_their_certificate(self):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = gateway.client_context(self.files(CLIENT, "client"), version)
            session, reused = None, []
            for token, expect in ((CLIENT, "ok"), (CLIENT, "ok"), (OTHER_CLIENT, "certificate_mismatch")):
                connection = self.nginx.open(context)
                connection.sock = context.wrap_socket(gateway.socket.create_connection(("127.0.0.1", self.nginx.tls_port)), session=session)
                self.ask("/x", [("Authorization", "Bearer " + mint.token(KEY, token.cnf))], expect, connection=connection)
                session, _ = connection.sock.session, reused.append(connection.sock.session_reused)
                connection.close()
            self.assertEqual(reused, [False, True, True], version)

    def test_http2(self):
        pem, key = self.files(CLIENT, "client")
        token = mint.token(KEY, CLIENT.cnf)
        command = ["curl", "-sk", "--http2", "--cert", pem, "--key", key, "-H", f"Authorization: Bearer {token}", "-o", "/dev/null",
                   "-w", "%{http_version} %{http_code}", f"https://127.0.0.1:{self.nginx.tls_port}/x"]
        self.assertEqual(subprocess.run(command, capture_output=True, text=True, timeout=20).stdout, "2 200")
        command[command.index("--cert"):command.index("-H")] = []
        self.assertEqual(subprocess.run(command, capture_output=True, text=True, timeout=20).stdout, "2 401")

    def test_a_forwarded_certificate_counts_from_peers_alone_once_and_is_stripped(self):
        """MTL-01."""
        token = ("Authorization", "Bearer " + mint.token(KEY, CLIENT.cnf))
        field = ("X-Client-Cert", f":{base64.b64encode(CLIENT.der).decode()}:")
        _, body = self.ask("/forwarded/", [token, field], status=200)
        self.assertNotIn("x-client-cert", dict(self.upstream(body)))
        self.ask("/forwarded/", [token, field, field], "certificate_repeated", 400)
        self.ask("/forwarded/", [token], "certificate_missing", 401)
        self.ask("/distrusted/", [token, field], "certificate_missing", 401)
        own = gateway.client_context(self.files(CLIENT, "client"))
        self.ask("/forwarded/", [token], "certificate_missing", 401, tls=own)
        _, body = self.ask("/distrusted/", [token, ("X-Client-Cert", "spoofed")], status=200, tls=own)
        self.assertNotIn("x-client-cert", dict(self.upstream(body)))
        for name in ("Client-Cert", "ssl_client_cert", "X_SSL_CLIENT_CERT", "X-Client_Cert"):
            self.ask("/x", [token, (name, field[1])], "certificate_missing", 401)

    def test_other_hashes_are_no_confirmation(self):
        """MTL-02: of the base64, the PEM, in hex, padded, cut."""
        context = gateway.client_context(self.files(CLIENT, "client"))
        own = CLIENT.cnf["x5t#S256"]
        for value in (mint.b64(mint.sha256(CLIENT.pem)), mint.b64(mint.sha256(base64.b64encode(CLIENT.der))), own + "=", own[:-1],
                      mint.sha256(CLIENT.der).hex()):
            token = mint.token(KEY, {"x5t#S256": value})
            status, answer, _ = self.nginx.request("/x", [("Authorization", f"Bearer {token}")], tls=context)
            self.assertEqual(status, 401, value)
            self.assertIn(answer["X-Code"], ("certificate_mismatch", "confirmation_malformed"))

    def test_paths_are_decided_on_as_nginx_understands_them(self):
        """MTL-06."""
        for path in ("//quiet/", "/x/../quiet/", "/%71uiet/", "/./quiet//x"):
            self.ask(path, dpop(path), "scope_insufficient", 403)


class Dpop(Case):
    """DPO-01 to DPO-14 are also in the vectors; here is what takes more than one request or header."""

    def test_two_proofs_are_refused(self):
        first = dpop("/x")
        self.ask("/x", [*first, ("dpop", first[1][1])], "proof_repeated", 401)
        self.ask("/x", [first[0], ("DPoP", first[1][1] + ", " + first[1][1])], "proof_malformed", 401)

    def test_the_proof_is_for_this_request(self):
        self.ask("/x", dpop("/y"), "proof_url", 401)
        self.ask("/x", dpop("/x", method="POST"), "proof_method", 401)
        self.ask("/x?a=b", dpop("/x"), status=200)
        self.ask("/x", dpop("/x", holder=OTHER_HOLDER), "proof_key_mismatch", 401)
        self.ask("/x", dpop("/x", iat=int(time.time()) - 400), "proof_issued_at", 401)

    def test_a_failing_proof_burns_nothing(self):
        """DPO-09."""
        headers = dpop("/x")
        wrong = mint.token(OTHER_KEY, {"jkt": HOLDER.thumbprint}, {"kid": "k1"})
        self.ask("/x", dpop("/x", wrong, jti="burn-me"), "signature_invalid", 401)
        self.ask("/x", dpop("/x", jti="burn-me"), status=200)
        self.ask("/x", headers, status=200)

    def test_scheme_and_binding_agree(self):
        """DPO-11."""
        token = mint.token(KEY, {"jkt": HOLDER.thumbprint})
        self.ask("/x", [("Authorization", f"Bearer {token}")], "proof_required", 401)
        self.ask("/x", dpop("/x", mint.token(KEY)), "proof_unexpected", 401)
        self.ask("/x", dpop("/x", mint.token(KEY, CLIENT.cnf)), "proof_unexpected", 401)


class SplitTokens(Case):
    def ticket(self, publish=True, **more):
        token = mint.token(KEY, {"jkt": HOLDER.thumbprint}, **more)
        head, _, ticket = token.rpartition(".")
        if publish:
            self.api.counterfoils[mint.b64(mint.sha256(ticket))] = head
        return token, head, ticket

    def test_the_api_sees_the_joined_token(self):
        token, _, ticket = self.ticket(pad="x" * 6000)
        self.assertGreater(len(token), 8192)
        _, body = self.ask("/split/", dpop("/split/", ticket), status=200)
        self.assertEqual(dict(self.upstream(body))["authorization"], f"Bearer {token}")

    def test_anything_but_the_ticket_is_refused(self):
        """SPL-01, SPL-02, SPL-03."""
        token, head, ticket = self.ticket()
        for text, codes in ((ticket[:-1], {"ticket_malformed", "ticket_unknown"}), (ticket[:43], {"ticket_malformed"}),
                            (ticket + "A", {"ticket_malformed", "ticket_unknown"}), (ticket + "==", {"ticket_malformed"}), (token, {"ticket_malformed"}),
                            (self.ticket(publish=False)[2], {"ticket_unknown"})):
            status, answer, _ = self.nginx.request("/split/", dpop("/split/", text))
            self.assertEqual(status, 401, text)
            self.assertIn(answer["X-Code"], codes)
        _, other_head, _ = self.ticket()
        self.api.counterfoils[mint.b64(mint.sha256(ticket))] = other_head
        self.ask("/split/", dpop("/split/", ticket), "signature_invalid", 401)
        self.api.counterfoils[mint.b64(mint.sha256(ticket))] = ""
        self.ask("/split/", dpop("/split/", ticket), "counterfoil_malformed")
        self.api.counterfoils[mint.b64(mint.sha256(ticket))] = head
        self.ask("/split/", dpop("/split/", ticket), status=200)

    def test_an_outage_is_503_and_what_is_remembered_goes_on_until_it_expires(self):
        _, _, ticket = self.ticket(exp=int(time.time()) + 4)
        _, _, unseen = self.ticket()
        self.ask("/split/", dpop("/split/", ticket), status=200)
        self.api.down = True
        self.ask("/split/", dpop("/split/", unseen), "lookup_unavailable", 503)
        time.sleep(1.2)
        self.ask("/split/", dpop("/split/", ticket), status=200)
        time.sleep(15)
        got, answer, _ = self.nginx.request("/split/", dpop("/split/", ticket))
        self.assertIn((got, answer["X-Code"]), {(503, "lookup_unavailable"), (401, "token_expired")})
        self.assertNotEqual(got, 200)

    def test_a_revoked_ticket_is_refused_when_what_is_remembered_is_no_longer_fresh(self):
        _, _, ticket = self.ticket()
        self.ask("/split/", dpop("/split/", ticket), status=200)
        asked = len(self.api.asked)
        self.ask("/split/", dpop("/split/", ticket), status=200)
        self.assertEqual(len(self.api.asked), asked)
        del self.api.counterfoils[mint.b64(mint.sha256(ticket))]
        time.sleep(1.2)
        self.ask("/split/", dpop("/split/", ticket), "ticket_unknown", 401)
        self.ask("/split/", dpop("/split/", ticket), "ticket_unknown", 401)

    def test_the_service_that_is_asked_learns_nothing_of_the_client(self):
        _, _, ticket = self.ticket()
        self.ask("/split/", [*dpop("/split/", ticket), ("Cookie", "secret")], status=200)
        service, key, headers, body = self.api.asked[-1]
        self.assertEqual((service, key, body), ("counterfoils", mint.b64(mint.sha256(ticket)), b""))
        self.assertEqual(set(headers) - {"Host", "Connection", "Accept"}, set())


class PhantomTokens(Case):
    def reference(self, **more):
        text = "ref." + mint.secrets.token_urlsafe(24) + "~+/=="
        token = mint.token(KEY, {"jkt": HOLDER.thumbprint}, **more)
        self.api.references["token=" + urllib.parse.quote(text, safe="-._~")] = token
        return text, token

    def test_the_api_sees_the_token_and_no_log_the_reference(self):
        text, token = self.reference(pad="x" * 7000)
        _, body = self.ask("/phantom/", dpop("/phantom/", text, method="POST"), method="POST", body=b"own body", status=200)
        self.assertEqual(dict(self.upstream(body))["authorization"], f"Bearer {token}")
        self.assertEqual(json.loads(body)["body"], "own body")
        _, _, headers, _ = [one for one in self.api.asked if one[0] == "introspect"][-1]
        self.assertEqual(headers["Accept"], "application/jwt")
        log = "\n".join(self.nginx.accesses()) + self.nginx.errors()
        for secret in (text, urllib.parse.quote(text, safe="-._~"), token, token[-40:]):
            self.assertNotIn(secret, log)

    def test_unknown_outage_and_expiry(self):
        self.ask("/phantom/", dpop("/phantom/", "unknown"), "token_inactive", 401)
        text, _ = self.reference(exp=int(time.time()) + 4)
        self.ask("/phantom/", dpop("/phantom/", text), status=200)
        self.api.down = True
        self.ask("/phantom/", dpop("/phantom/", self.reference()[0]), "lookup_unavailable", 503)
        time.sleep(1.2)
        self.ask("/phantom/", dpop("/phantom/", text), status=200)
        time.sleep(15)
        self.assertNotEqual(self.nginx.request("/phantom/", dpop("/phantom/", text))[0], 200)

    def test_claims_without_a_token(self):
        """RFC 7662: judged as strictly, and with nothing to forward."""
        own = {"active": True, "token_type": "DPoP", **mint.claims({"jkt": HOLDER.thumbprint})}
        self.api.references["token=json"] = json.dumps(own)
        _, body = self.ask("/phantom/", dpop("/phantom/", "json"), status=200)
        self.assertNotIn("authorization", dict(self.upstream(body)))
        _, body = self.ask("/phantom/", dpop("/phantom/", "json"), status=200)
        self.api.references["token=other"] = json.dumps({**own, "cnf": {"jkt": OTHER_HOLDER.thumbprint}})
        self.ask("/phantom/", dpop("/phantom/", "other"), "proof_key_mismatch", 401)
        self.api.references["token=inactive"] = '{"active":false}'
        self.ask("/phantom/", dpop("/phantom/", "inactive"), "token_inactive", 401)

    def test_an_answer_that_is_neither_is_an_outage(self):
        self.api.references["token=page"] = "<html>"
        self.ask("/phantom/", dpop("/phantom/", "page"), "lookup_unavailable", 503)


class Replay(Case):
    """C-05: one store for all workers, across reload and a worker's crash."""

    workers = 4
    may_crash = True

    def once(self, headers, times=24):
        def one(_):
            return self.nginx.request("/x", headers)[0]
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            return sorted(pool.map(one, range(times)))

    def test_one_acceptance_across_workers(self):
        for _ in range(20):
            self.assertEqual(self.once(dpop("/x")), [200] + [401] * 23)

    def test_one_acceptance_across_a_reload(self):
        headers = dpop("/x")
        self.ask("/x", headers, status=200)
        self.nginx.reload()
        self.ask("/x", headers, "proof_replayed", 401)
        self.assertEqual(self.once(headers), [401] * 24)

    def test_one_acceptance_across_a_crash(self):
        headers = dpop("/x")
        self.ask("/x", headers, status=200)
        for pid in self.nginx.workers():
            os.kill(pid, signal.SIGKILL)
        before = time.monotonic()
        gateway.wait_until(lambda: len(self.nginx.workers()) == 4, 10, "four workers again")
        self.ask("/x", headers, "proof_replayed", 401)
        self.ask("/x", dpop("/x"), status=200)
        self.assertLess(time.monotonic() - before, 5)


class FullStore(Case):
    zone = "8m replay=16"

    def test_a_full_store_is_503(self):
        """DPO-14."""
        statuses = [self.nginx.request("/x", dpop("/x"))[0] for _ in range(20)]
        self.assertEqual(statuses, [200] * 16 + [503] * 4)
        answer, body = self.ask("/x", dpop("/x"), "replay_store_full", 503)
        self.assertEqual(json.loads(body), {"error": "temporarily_unavailable"})


class Configuration(unittest.TestCase):
    """A configuration that protects nothing does not start."""

    def judge(self, lines):
        nginx = gateway.Nginx(lambda nginx: f"server {{ listen 127.0.0.1:{nginx.port}; {lines % {'folder': nginx.folder}} }}", start=False)
        (nginx.folder / "jwks.json").write_text(mint.jwks(KEY))
        (nginx.folder / "empty.json").write_text('{"keys":[]}')
        (nginx.folder / "short").write_text("short")
        good, said = nginx.test()
        nginx.stop()
        return good, said

    GOOD = ("counterfoil on; counterfoil_issuer https://as.example.com jwks_file=%(folder)s/jwks.json; counterfoil_audience api;"
            "counterfoil_origin https://api.example.com;")

    def test_a_good_one_starts(self):
        self.assertTrue(self.judge(self.GOOD)[0])

    def test_each_fault_is_named(self):
        for lines, said in (
            ("counterfoil on;", "counterfoil_issuer is missing"),
            (self.GOOD.replace("counterfoil_audience api;", ""), "counterfoil_audience is missing"),
            (self.GOOD.replace("counterfoil_origin https://api.example.com;", ""), "counterfoil_origin is missing"),
            (self.GOOD.replace("jwks_file=%(folder)s/jwks.json", ""), "invalid number of arguments"),
            (self.GOOD.replace("jwks_file=%(folder)s/jwks.json", "refresh=5s"), "one source of keys"),
            (self.GOOD.replace("jwks.json", "missing.json"), "No such file"),
            (self.GOOD.replace("jwks.json", "empty.json"), "key_set_empty"),
            (self.GOOD.replace("api.example.com", "api.example.com/path"), "no path"),
            (self.GOOD + "counterfoil_algorithms HS256;", "no algorithm"),
            (self.GOOD + "counterfoil_algorithms none;", "no algorithm"),
            (self.GOOD + "counterfoil_algorithms RS256;", "fapi2 permits"),
            (self.GOOD + "counterfoil_binding optional;", "fapi2 permits"),
            (self.GOOD + "counterfoil_profile custom;", "needs counterfoil_types"),
            (self.GOOD + "counterfoil_types none;", "belong to counterfoil_profile custom"),
            (self.GOOD + "counterfoil_dpop_nonce secret_file=%(folder)s/short;", "at least 32 bytes"),
            (self.GOOD + "counterfoil_certificate_header X-Cert pem;", "peers"),
            (self.GOOD + "counterfoil_split /a; counterfoil_introspection /b;", "tickets or references"),
            (self.GOOD + "counterfoil_realm '\"';", "text_not_token"),
        ):
            good, text = self.judge(lines)
            self.assertFalse(good, lines)
            self.assertIn(said, text, lines)

    def test_satisfy_any_is_warned_of(self):
        good, text = self.judge(self.GOOD + "satisfy any;")
        self.assertTrue(good)
        self.assertIn("satisfy any", text)


if __name__ == "__main__":
    unittest.main(verbosity=2)
