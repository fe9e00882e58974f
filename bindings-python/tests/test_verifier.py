"""The verifier as a service uses it: its arguments, errors, threads, forks, keys that change."""

import asyncio
import concurrent.futures
import json
import os
import pathlib
import pickle
import resource
import subprocess
import tempfile
import time
import unittest

import counterfoil
from counterfoil import Certificate, CounterfoilError, Issuer, Verifier, errors
from material import BOUND, CLIENT, HELD, HOLDER, KEY, ORIGIN, OTHER, ROOT, bearer, dpop, mint

PAVED = ROOT / "core/tests/data/paved"


def verifier(**more):
    return Verifier(mint.ISSUER, mint.AUDIENCE, jwks=mint.jwks(KEY), **more)


def code(judge, *arguments, **named):
    try:
        judge(*arguments, **named)
    except CounterfoilError as error:
        return error.code
    return "ok"


class Construction(unittest.TestCase):
    def test_what_is_unset_is_an_error(self):
        for arguments, expected in ((("", "a"), "issuer_unset"), (("i", ""), "audience_unset"), (("i", []), "audience_unset")):
            with self.assertRaises(errors.ConfigurationError) as caught:
                Verifier(*arguments, jwks=mint.jwks(KEY))
            self.assertEqual((caught.exception.code, caught.exception.status), (expected, 500))

    def test_what_is_wrong_is_named_without_its_value(self):
        for settings, told in (({"binding": "s3cret"}, "binding"), ({"algorithms": ["s3cret"]}, "algorithms"), ({"leeway": "s3cret"}, "u64"),
                               ({"jwks_uri": "https://x/s3cret"}, "exactly one"), ({"tls": {"s3cret": 1}}, "unknown field")):
            with self.assertRaises(errors.ConfigurationError) as caught:
                verifier(**settings)
            self.assertIn(told, str(caught.exception))
            if "unknown" not in told:
                self.assertNotIn("s3cret", str(caught.exception))
        with self.assertRaises(TypeError):
            verifier(colour="red")
        with self.assertRaises(TypeError):
            Verifier("i", "a", issuers=[])

    def test_several_issuers(self):
        other = mint.Key("k2")
        own = Verifier(issuers=[Issuer(mint.ISSUER, mint.AUDIENCE, jwks=mint.jwks(KEY)),
                                Issuer("https://other.example", [mint.AUDIENCE], jwks=json.loads(mint.jwks(other)))])
        self.assertEqual(own.accept(BOUND, certificate=CLIENT.der).issuer, mint.ISSUER)
        token = mint.token(other, CLIENT.cnf, iss="https://other.example")
        self.assertEqual(own.accept(token, certificate=CLIENT.der).issuer, "https://other.example")
        self.assertEqual(code(own.accept, mint.token(KEY, CLIENT.cnf, iss="https://third.example")), "issuer_mismatch")


class Tokens(unittest.TestCase):
    def test_claims_and_accessors(self):
        details = [{"type": "payment", "amount": 1}]
        token = mint.token(KEY, CLIENT.cnf, scope="a b", acr="gold", auth_time=1, authorization_details=details, name="ünï")
        accepted = verifier().accept(token, certificate=CLIENT.der)
        self.assertEqual(accepted.claims, json.loads(accepted.payload))
        self.assertIs(accepted.claims, accepted.claims)
        self.assertEqual((accepted.issuer, accepted.audiences, accepted.acr), (mint.ISSUER, [mint.AUDIENCE], "gold"))
        self.assertEqual((accepted.claims["name"], accepted.authorization_details), ("ünï", details))
        self.assertTrue(accepted.has_scope("b") and not accepted.has_scope("c"))
        self.assertEqual(accepted.confirmation.x5t_s256, CLIENT.cnf["x5t#S256"])
        self.assertIsNone(accepted.confirmation.jkt)
        self.assertEqual(accepted.expires_at, accepted.claims["exp"])
        self.assertNotIn("gold", repr(accepted))

    def test_the_holder(self):
        own = verifier()
        self.assertEqual(code(own.accept, BOUND), "certificate_missing")
        self.assertEqual(code(own.accept, BOUND, certificate=OTHER.der), "certificate_mismatch")
        self.assertEqual(code(own.accept, BOUND, certificate=Certificate.pem(CLIENT.pem.strip())), "ok")
        self.assertEqual(code(own.accept, BOUND, certificate=b"x"), "certificate_malformed")
        proof = dpop("/x")[1][1]
        self.assertEqual(code(own.accept, HELD, dpop=proof, method="GET", url=ORIGIN + "/x"), "ok")
        self.assertEqual(code(own.accept, HELD, dpop=proof, method="GET", url=ORIGIN + "/x"), "proof_replayed")
        used = own.accept_proof(dpop("/y")[1][1], "GET", ORIGIN + "/y", HELD)
        self.assertEqual((used.thumbprint, code(own.accept, HELD, dpop=used)), (HOLDER.thumbprint, "ok"))
        for wrong in ({"dpop": proof}, {"method": "GET"}, {"dpop": proof, "certificate": CLIENT.der, "method": "GET", "url": "x"}):
            with self.assertRaises(TypeError):
                own.accept(HELD, **wrong)
        for wrong in (1, None, ["x"]):
            with self.assertRaises(TypeError):
                own.accept(wrong)

    def test_a_batch_answers_each_for_itself(self):
        verdicts = verifier().accept_batch([(BOUND, CLIENT.der), ("x", None), (BOUND, OTHER.der), (BOUND, b"x"), (HELD, None)] * 5)
        told = [verdict.code if isinstance(verdict, CounterfoilError) else "ok" for verdict in verdicts]
        self.assertEqual(told, ["ok", "token_not_compact", "certificate_mismatch", "certificate_malformed", "proof_required"] * 5)

    def test_nothing_unverified_is_readable_but_by_its_loud_name(self):
        shown = counterfoil.inspect(mint.token(mint.Key("stranger")))
        self.assertEqual(shown.unproven_header["kid"], "stranger")
        self.assertIn("iss", shown.unproven_claims)
        self.assertIn("nothing", shown.warning)
        self.assertEqual(code(counterfoil.inspect, "x.y"), "token_not_compact")
        with self.assertRaises(TypeError):
            counterfoil.AccessToken()

    def test_errors_have_a_family_and_survive_pickling(self):
        try:
            verifier().accept(mint.token(KEY, CLIENT.cnf, exp=1), certificate=CLIENT.der)
        except errors.ClaimError as error:
            again = pickle.loads(pickle.dumps(error))
            self.assertEqual((again.code, again.number, again.status, type(again)), (error.code, error.number, 401, errors.ClaimError))
            self.assertNotIn(BOUND[:20], str(error))
        else:
            self.fail("an expired token")


    @unittest.skipUnless(hasattr(counterfoil._counterfoil, "panic"), "built without inject-panic")
    def test_a_panic_is_an_exception(self):
        with self.assertRaises(errors.BoundaryError) as caught:
            counterfoil._counterfoil.panic()
        self.assertEqual((caught.exception.code, caught.exception.status), ("panicked", 500))


class Requests(unittest.TestCase):
    def test_headers_of_every_shape(self):
        own = verifier()
        for headers in (bearer(), dict(bearer()), [(b"AUTHORIZATION", bearer()[0][1].encode())], {"authorization": [bearer()[0][1]]}):
            self.assertTrue(own.accept_request("GET", ORIGIN + "/x", headers, CLIENT.der).subject)
        self.assertEqual(code(own.accept_request, "GET", ORIGIN, bearer() * 2, CLIENT.der), "credential_repeated")

    def test_the_answer(self):
        own = verifier(realm="api", dpop={"nonce_random": True})
        with self.assertRaises(CounterfoilError) as caught:
            own.accept_request("GET", ORIGIN + "/x", dpop("/x"))
        error = caught.exception
        self.assertEqual((error.code, error.status, error.body), ("nonce_required", 401, b'{"error":"use_dpop_nonce"}'))
        self.assertIn('realm="api"', error.www_authenticate)
        headers = dpop("/x", nonce=error.dpop_nonce)
        self.assertEqual(code(own.accept_request, "GET", ORIGIN + "/x", headers), "ok")
        self.assertEqual(own.counters()[0], 1)
        with self.assertRaises(errors.ClaimError) as caught:
            own.accept_request("GET", ORIGIN + "/x", bearer(), CLIENT.der, scopes=["admin"])
        self.assertEqual((caught.exception.status, caught.exception.body), (403, b'{"error":"insufficient_scope"}'))

    def test_trusted_peers_in_every_spelling(self):
        from counterfoil.gate import Gate

        field = [("Client-Cert", CLIENT.pem.replace("\n", "%0A"))]
        gate = Gate(verifier(), ORIGIN, certificate_header=("Client-Cert", "escaped_pem"), trusted_peers=["10.0.0.0/8", "2001:db8::1"])
        for peer, expected in (("10.1.2.3", "ok"), ("::ffff:10.1.2.3", "ok"), ("2001:db8:0:0::1", "ok"), ("11.0.0.1", "certificate_missing"),
                               ("::ffff:11.0.0.1", "certificate_missing"), ("unix", "certificate_missing"), (None, "certificate_missing")):
            headers = [(name.encode(), value.encode()) for name, value in bearer() + field]
            self.assertEqual(code(gate.accept, "GET", "/x", headers, None, peer), expected, peer)

    def test_in_an_event_loop(self):
        own = verifier()
        accepted = asyncio.run(own.accept_request_async("GET", ORIGIN + "/x", bearer(), CLIENT.der))
        self.assertTrue(accepted.subject)


class Keys(unittest.TestCase):
    def test_a_file_is_watched_and_keys_can_be_replaced(self):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "jwks.json"
            file.write_text(mint.jwks(mint.Key("other")))
            own = Verifier(mint.ISSUER, mint.AUDIENCE, jwks_file=file)
            self.assertTrue(own.wait_for_keys(1))
            self.assertEqual(code(own.accept, BOUND, certificate=CLIENT.der), "key_unknown")
            file.write_text(mint.jwks(KEY))
            end = time.monotonic() + 10
            while code(own.accept, BOUND, certificate=CLIENT.der) != "ok":
                self.assertLess(time.monotonic(), end)
                time.sleep(0.05)
            own.replace_keys(mint.ISSUER, mint.jwks(mint.Key("other")))
            self.assertEqual(code(own.accept, BOUND, certificate=CLIENT.der), "key_unknown")
            self.assertEqual(own.key_status()[0][:2], (mint.ISSUER, 1))
            self.assertEqual(code(own.replace_keys, "https://nobody", "{}"), "issuer_mismatch")

    def test_an_unreachable_set_is_an_outage(self):
        own = Verifier(mint.ISSUER, mint.AUDIENCE, jwks_uri="https://127.0.0.1:1/jwks")
        self.assertFalse(own.wait_for_keys(0.2))
        with self.assertRaises(CounterfoilError) as caught:
            own.accept(BOUND, certificate=CLIENT.der)
        self.assertEqual((caught.exception.code, caught.exception.status), ("lookup_unavailable", 503))

    def test_a_split_token(self):
        own = verifier()
        head, ticket = counterfoil.split(BOUND)
        self.assertEqual(counterfoil.join(head, ticket), BOUND)
        self.assertEqual(own.accept_split(head, ticket, certificate=CLIENT.der).payload, own.accept(BOUND, certificate=CLIENT.der).payload)
        self.assertEqual(len(counterfoil.counterfoil_key(ticket, "raw")), 32)


class Processes(unittest.TestCase):
    def test_threads_share_a_verifier(self):
        own = verifier(token_cache=0)
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            codes = list(pool.map(lambda i: code(own.accept, BOUND, certificate=(CLIENT if i % 2 else OTHER).der), range(4000)))
        self.assertEqual((codes.count("ok"), codes.count("certificate_mismatch")), (2000, 2000))

    @unittest.skipUnless(hasattr(os, "fork"), "no fork here")
    def test_a_child_makes_its_own_gateway(self):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "jwks.json"
            file.write_text(mint.jwks(KEY))
            own = Verifier(mint.ISSUER, mint.AUDIENCE, jwks_file=file)
            headers = dpop("/x")
            self.assertEqual(code(own.accept_request, "GET", ORIGIN + "/x", headers), "ok")
            script = [code(own.accept_request, "GET", ORIGIN + "/x", headers)]
            self.assertEqual(script, ["proof_replayed"])
            child = os.fork()
            if child == 0:
                good = code(own.accept_request, "GET", ORIGIN + "/x", dpop("/x")) == "ok"
                os._exit(0 if good and own.counters()[0] == 1 else 1)
            _, status = os.waitpid(child, 0)
            self.assertEqual(status, 0)
            self.assertEqual(own.counters()[0], 1)

    def test_memory_does_not_grow(self):
        own, bad = verifier(token_cache=64), BOUND[:-2] + "AA"
        headers, others = bearer(), bearer(bad)

        def some(count):
            for _ in range(count):
                own.accept(BOUND, certificate=CLIENT.der).claims
                own.accept_request("GET", ORIGIN + "/x", headers, CLIENT.der)
                code(own.accept, bad, certificate=CLIENT.der)
                code(own.accept_request, "GET", ORIGIN + "/x", others, CLIENT.der)

        some(2000)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        some(int(os.environ.get("ACCEPTANCES", 100_000)) // 4)
        self.assertLess(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, 1024)


class CommandLine(unittest.TestCase):
    def test_as_the_engines_example(self):
        import sys

        token = (PAVED / "token.txt").read_text().strip()
        base = ["--jwks", str(PAVED / "jwks.json"), "--issuer", "https://as.example", "--audience", "https://api.example", "--now", "1800000000"]
        held = ["--certificate", str(PAVED / "client.pem")]
        for arguments, expected in (([*base, *held, token], 0), ([*base, token], 1), ([*base, *held, "x"], 1), ([*base, "--colour=red", token], 2),
                                    (base[2:], 2), ([*base, "--leeway", "x", token], 2), ([*base, "--binding", "x", token], 2)):
            done = subprocess.run([sys.executable, "-m", "counterfoil", *arguments], capture_output=True, text=True, timeout=30)
            self.assertEqual(done.returncode, expected, (arguments, done.stderr))
            self.assertEqual(bool(done.stdout), expected == 0)
        done = subprocess.run([sys.executable, "-m", "counterfoil", *base, *held, "-"], input=token + "\n", capture_output=True, text=True, timeout=30)
        self.assertEqual(json.loads(done.stdout)["iss"], "https://as.example")


if __name__ == "__main__":
    unittest.main()
