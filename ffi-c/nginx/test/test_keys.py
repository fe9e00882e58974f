"""Keys of issuers: from files and from internal locations, and who waits for them."""

import concurrent.futures
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time
import unittest

import gateway
import mint
from case import CLIENT, HOLDER, KEY, OTHER_KEY, Case, configuration, dpop


class Keys(Case):
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


class SlowKeys(unittest.TestCase):
    """A set that takes its time: who comes meanwhile waits for it, and it is fetched once."""

    def setUp(self):
        self.api = gateway.Api()
        self.addCleanup(self.api.close)
        self.api.jwks["set"], self.api.slow = mint.jwks(KEY), 0.5
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="counterfoil-keys-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.clock = gateway.Clock(self.folder)
        self.nginx = gateway.Nginx(configuration(self.api), environment=self.clock.environment)
        self.addCleanup(self.nginx.stop)

    def fetches(self):
        return sum(service == "jwks" for service, *_ in self.api.asked)

    def together(self, key):
        def ask(_):
            token = mint.token(key, {"jkt": HOLDER.thumbprint})
            return self.nginx.request("/remote/", dpop("/remote/", token))[0]

        with concurrent.futures.ThreadPoolExecutor(50) as pool:
            return list(pool.map(ask, range(50)))

    def test_requests_wait_for_the_first_set(self):
        self.assertEqual(self.together(KEY), [200] * 50)
        self.assertEqual(self.fetches(), 1)
        self.assertNotIn("[alert]", self.nginx.errors())

    def test_requests_wait_for_a_key_that_is_new(self):
        self.assertEqual(self.together(KEY), [200] * 50)
        self.api.jwks["set"] = mint.jwks(KEY, OTHER_KEY)
        self.clock.show(int(time.time()) + 40)
        self.assertEqual(self.together(OTHER_KEY), [200] * 50)
        self.assertEqual(self.fetches(), 2)

    def test_over_http2_too(self):
        certificate, key = CLIENT.write(self.nginx.folder, "client")
        token = mint.token(KEY, CLIENT.cnf)
        url = f"https://127.0.0.1:{self.nginx.tls_port}/remote/"
        command = ["curl", "-sk", "--http2", "--parallel", "--cert", certificate, "--key", key, "-H", f"Authorization: Bearer {token}",
                   "-w", "%{http_version} %{http_code}\n", *["-o", "/dev/null", url] * 12]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30)
        self.assertEqual(done.stdout.split("\n")[:-1], ["2 200"] * 12)
        self.assertEqual(self.fetches(), 1)

    def test_who_leaves_while_waiting_leaves_nothing_behind(self):
        self.api.slow = 1
        head = "\r\n".join(f"{name}: {value}" for name, value in dpop("/remote/"))
        for _ in range(20):
            with socket.create_connection(("127.0.0.1", self.nginx.port)) as client:
                client.sendall(f"GET /remote/ HTTP/1.1\r\nHost: x\r\n{head}\r\n\r\n".encode())
        self.assertEqual(self.together(KEY), [200] * 50)
        self.assertNotIn("[alert]", self.nginx.errors())
