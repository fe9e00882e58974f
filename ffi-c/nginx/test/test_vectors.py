"""Every vector that a request can carry gives the code through nginx that it gives in Rust."""

import collections
import unittest

import gateway
import mint
import vectors

KINDS = ("access_token", "split_token", "dpop", "request")
# Refused while the configuration is read, before there is any request.
OF_CONFIGURATION = {"issuer_unset", "audience_unset", "algorithms_unset", "limit_out_of_range", "secret_too_short", "text_not_token",
                    "memory_too_small", "request_url", "request_method"}
OF_REQUESTS = {"key_unknown", "key_ambiguous", "key_algorithm_mismatch"}


def is_of_configuration(code):
    return code in OF_CONFIGURATION or (code.startswith("key_") and code not in OF_REQUESTS)


def load():
    """(cases that a request can carry, how many cannot and why)."""
    cases, left_out, certificates = [], collections.Counter(), {}
    documents = list(vectors.documents())
    for _, document in documents:
        for der in vectors.ders(document["cases"]):
            certificates[mint.b64(mint.sha256(der))] = der
    for _, document in documents:
        for case in document["cases"]:
            if case["kind"] in KINDS:
                try:
                    if is_of_configuration(case["expect"]):
                        raise vectors.Uncarried("a fault of the configuration: see test_configuration")
                    cases.append(vectors.Case(case, document, certificates))
                except vectors.Uncarried as why:
                    left_out[str(why)] += 1
    return cases, left_out


class Vectors:
    maxDiff = None
    zone = "16m"

    @classmethod
    def setUpClass(cls):
        cases, cls.left_out = load()
        cls.cases = [case for case in cases if case.burns() == cls.burning]
        cls.api = gateway.Api()
        cls.nginx = gateway.Nginx(cls.configuration, start=False)
        cls.clock = gateway.Clock(cls.nginx.folder)
        cls.nginx.environment.update(cls.clock.environment)
        cls.nginx.start()

    @classmethod
    def tearDownClass(cls):
        cls.nginx.stop()
        cls.api.close()

    @classmethod
    def configuration(cls, nginx):
        """A server for each policy; its name is its number."""
        servers, cls.hosts = [], {}
        for case in cls.cases:
            needs = repr((sorted(case.policy.items(), key=str), case.origin, case.form, case.certificate_form))
            if needs not in cls.hosts:
                number = cls.hosts[needs] = len(cls.hosts)
                servers.append(f"""
    server {{
        listen 127.0.0.1:{nginx.port}; server_name v{number}.test; merge_slashes off; large_client_header_buffers 8 2m;
        counterfoil on; counterfoil_key_table_size 0; keepalive_requests 100000;
        {vectors.directives(case, nginx.folder, number)}
        add_header X-Code $counterfoil_code always;
        location / {{ proxy_pass http://done; }}
        location = /counterfoils {{ internal; counterfoil off; proxy_pass http://services/counterfoils/$counterfoil_key; }}
        location = /introspect {{ internal; counterfoil off; proxy_pass http://services/introspect; }}
    }}""")
            case.host = f"v{cls.hosts[needs]}.test"
        return f"""
    variables_hash_max_size 4096; server_names_hash_max_size 8192; server_names_hash_bucket_size 128;
    counterfoil_zone {cls.zone};
    upstream services {{ server 127.0.0.1:{cls.api.port}; keepalive 4; }}
    upstream done {{ server unix:{nginx.folder}/done; keepalive 4; }}
    proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffer_size 64k; proxy_buffers 8 64k; proxy_busy_buffers_size 128k;
    server {{ listen unix:{nginx.folder}/done; keepalive_requests 100000; location / {{ return 200; }} }}
    {''.join(servers)}"""

    def services(self, case, number, now):
        if case.form == "split":
            self.api.counterfoils[case.key] = case.found.decode("latin-1")
        if case.form == "phantom":
            form, thumbprint = case.references[number]
            self.api.references[form] = mint.token(vectors.SIGNER, {"jkt": thumbprint}, iat=now, exp=now + 600)

    def run_case(self, case):
        for number, (method, path, headers, now, expect) in enumerate(case.steps):
            self.services(case, number, now)
            self.clock.show(now)
            headers = [("Host", case.host), *headers]
            status, answer, _ = self.nginx.request(path, headers, method, self.connection)
            if sum(name.lower() == "authorization" for name, _ in headers) > 1 and answer.get("X-Code") is None:
                # nginx itself refuses two, before any module sees them.
                self.assertEqual(status, 400, case.id)
                return
            self.assertEqual(answer.get("X-Code"), expect, f"{case.id}: {status}")
        output = case.case.get("output", {})
        if "status" in output:
            self.assertEqual(status, output["status"], case.id)
            self.assertEqual(answer.get("WWW-Authenticate"), output.get("www_authenticate"), case.id)
            self.assertEqual(answer.get("DPoP-Nonce") is not None, bool(output["dpop_nonce"]), case.id)

    def faults_of(self, cases):
        for case in cases:
            try:
                self.run_case(case)
            except (AssertionError, OSError, ValueError) as fault:
                yield f"{case.id}: {fault}".splitlines()[0]
                self.connection.close()

    def setUp(self):
        self.connection = self.nginx.open()
        self.addCleanup(lambda: self.connection.close())


class VectorsThatLeaveNoProofBehind(Vectors, unittest.TestCase):
    burning = False

    def test_each_has_its_code(self):
        self.assertGreater(len(self.cases), 2900)
        self.assertEqual(list(self.faults_of(self.cases)), [])
        print(f"{len(self.cases)} vectors, {len(self.hosts)} policies; left out: {dict(self.left_out)}")


class VectorsWithAcceptedProofs(Vectors, unittest.TestCase):
    burning = True
    zone = "512k replay=2048 tokens=16 keys=16"

    def test_each_has_its_code(self):
        self.assertGreater(len(self.cases), 250)
        rounds = vectors.rounds(self.cases)
        faults = []
        for members in rounds:
            self.forget_proofs()
            faults += self.faults_of(members)
        self.assertEqual(faults, [])
        print(f"{len(self.cases)} vectors in {len(rounds)} rounds, {len(self.hosts)} policies")

    def forget_proofs(self):
        """A zone of another size is another zone: the next proof finds an empty table."""
        type(self).zone = ("512k" if self.zone.startswith("516k") else "516k") + self.zone[4:]
        self.nginx.write()
        self.connection.close()
        self.nginx.reload()
        self.connection = self.nginx.open()


if __name__ == "__main__":
    unittest.main(verbosity=2)
