"""Answers, what is forwarded, redirects, proofs and configurations, on the real nginx."""

import json
import time
import unittest

import gateway
import mint
from case import CLIENT, HOLDER, KEY, OTHER_HOLDER, OTHER_KEY, Case, configuration, dpop


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
