"""Certificates, row by row of the attack table: MTL-01 to MTL-06."""

import base64
import ssl
import subprocess

import gateway
import mint
from case import CLIENT, EXPIRED, KEY, OTHER_CLIENT, SELF_SIGNED, Case, dpop


class Mtls(Case):
    def files(self, certificate, name):
        return certificate.write(self.nginx.folder, name)

    def test_the_right_certificate_alone(self):
        """MTL-05: and not another client's."""
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
        """MTL-04."""
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

    def test_the_leaf_alone_counts(self):
        """MTL-03: not what comes behind it in the chain."""
        for leaf, behind, expect in ((CLIENT, OTHER_CLIENT, "ok"), (OTHER_CLIENT, CLIENT, "certificate_mismatch")):
            _, key = self.files(leaf, "leaf")
            chain = self.nginx.folder / "chain.pem"
            chain.write_text(leaf.pem + behind.pem)
            self.ask("/x", [("Authorization", "Bearer " + mint.token(KEY, CLIENT.cnf))], expect, tls=gateway.client_context((chain, key)))

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
