"""The module under load: reloads, valgrind, AddressSanitizer."""

import base64
import os
import pathlib
import re
import shutil
import subprocess
import threading
import time
import unittest

import gateway
import mint
from case import CLIENT, HOLDER, KEY, configuration, dpop

FIELD = f":{base64.b64encode(CLIENT.der).decode()}:"


def bearer(path, token):
    return (path, [("Authorization", f"Bearer {token}"), ("X-Client-Cert", FIELD)])


def good(api, count):
    """Whole tokens, tickets and references, all bound to the client's certificate."""
    for number in range(count):
        token = mint.token(KEY, CLIENT.cnf, pad="x" * (number * 37 % 5000))
        head, _, ticket = token.rpartition(".")
        api.counterfoils[mint.b64(mint.sha256(ticket))] = head
        api.references[f"token=reference-{number}"] = token
        yield bearer("/forwarded/whole", token)
        yield bearer("/forwarded/split", ticket)
        yield bearer("/forwarded/phantom", f"reference-{number}")


def bad(count):
    """What must be refused, of every kind."""
    for number in range(count):
        token = mint.token(KEY, CLIENT.cnf)
        yield bearer("/forwarded/whole", token[:number * 7 % len(token)] or "a")
        yield bearer("/forwarded/split", token[-number * 5 % len(token):] or "a")
        yield bearer("/forwarded/phantom", f"unknown-{number}")
        yield ("/x", dpop("/x", jti=f"same-{number % 3}"))
        yield ("/headers/", [("X-User", "mallory")])
        yield ("/forwarded/whole", [("Authorization", f"Bearer {token}"), ("X-Client-Cert", FIELD[:-number % len(FIELD)] or ":")])


LOCATIONS = """
        location / { proxy_pass http://done; }
        location /headers/ { counterfoil_claim_header X-User sub; proxy_pass http://done; }
        location /forwarded/ {
            counterfoil_certificate_header X-Client-Cert client_cert 127.0.0.1; counterfoil_claim_header X-User sub;
            location /forwarded/split { counterfoil_split /counterfoils valid=5s; proxy_pass http://done; }
            location /forwarded/phantom { counterfoil_introspection /introspect valid=5s; proxy_pass http://done; }
            proxy_pass http://done;
        }
        location = /counterfoils { internal; counterfoil off; proxy_pass http://services/counterfoils/$counterfoil_key; }
        location = /introspect { internal; counterfoil off; proxy_pass http://services/introspect; }
    }
    server {
        counterfoil off; listen unix:%(folder)s/done; location / { return 200; }
"""
UPSTREAM = "upstream done {{ server unix:{folder}/done; }}"


class Load(unittest.TestCase):
    def start(self, main, **more):
        self.api = gateway.Api()
        self.addCleanup(self.api.close)
        http = configuration(self.api, "16m", LOCATIONS)
        nginx = gateway.Nginx(lambda nginx: UPSTREAM.format(folder=nginx.folder) + http(nginx), main, **more)
        self.addCleanup(nginx.stop)
        return nginx

    def wrk(self, nginx, requests, seconds):
        file = nginx.folder / "requests"
        lines = ["\t".join([path, *(part for header in headers for part in header)]) for path, headers in requests]
        file.write_text("\n".join(lines) + "\n")
        command = ["wrk", "-t1", "-c8", f"-d{seconds}s", "-s", pathlib.Path(__file__).with_name("load.lua"), f"http://127.0.0.1:{nginx.port}"]
        done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "REQUESTS": str(file)}, timeout=seconds + 60)
        count = int(re.search(r"(\d+) requests in", done.stdout)[1])
        refused = re.search(r"Non-2xx or 3xx responses: (\d+)", done.stdout)
        return count, int(refused[1]) if refused else 0

    @unittest.skipUnless(shutil.which("wrk"), "wrk is not installed")
    def test_reload_every_second(self):
        nginx = self.start("worker_processes 2; worker_shutdown_timeout 5s;")
        requests = list(good(self.api, 40))
        sizes, stop = [], threading.Event()

        def reload():
            while not stop.wait(1):
                nginx.reload()
                status = pathlib.Path(f"/proc/{nginx.process.pid}/status").read_text()
                sizes.append(int(re.search(r"VmRSS:\s+(\d+)", status)[1]))

        reloader = threading.Thread(target=reload)
        reloader.start()
        count, refused = self.wrk(nginx, requests, 15)
        stop.set()
        reloader.join()
        log = nginx.errors()
        self.assertEqual(refused, 0, log[-2000:])
        self.assertGreater(count, 1000)
        self.assertEqual(re.findall(r"\[(?:alert|emerg|crit)\].*", log), [])
        self.assertGreaterEqual(len(sizes), 5)
        self.assertLess(sizes[-1] - sizes[2], 2048, sizes)
        print(f"{count} requests, {len(sizes)} reloads, master {sizes[2]} to {sizes[-1]} KiB")

    @unittest.skipUnless(shutil.which("valgrind"), "valgrind is not installed")
    def test_valgrind(self):
        options = ["valgrind", "--error-exitcode=99", "--leak-check=full", "--errors-for-leak-kinds=definite", "--show-leak-kinds=definite",
                   f"--suppressions={pathlib.Path(__file__).with_name('valgrind.supp')}"]
        nginx = self.start("master_process off;", wrapper=options)
        requests = [*good(self.api, 40), *bad(40)] * 2
        statuses = [nginx.request(path, headers)[0] for path, headers in requests]
        self.assertEqual(statuses[:120], [200] * 120)
        nginx.stop(keep=True)
        said = (nginx.folder / "output.log").read_text()
        self.assertEqual(nginx.process.returncode, 0, said[-6000:])
        self.assertIn("ERROR SUMMARY: 0 errors", said)
        print(f"{len(requests)} requests under valgrind")

    @unittest.skipUnless(shutil.which("wrk"), "wrk is not installed")
    def test_address_sanitizer(self):
        folder = gateway.ROOT / "target/nginx-asan"
        flags = "-O1 -g -fsanitize=address -fno-omit-frame-pointer"
        library = os.environ.get("COUNTERFOIL_LIBRARY", gateway.ROOT / "target/release/libcounterfoil_ffi.a")
        subprocess.run(["make", "--quiet", "-C", gateway.ROOT / "ffi-c/nginx", f"BUILD={folder}", f"CFLAGS={flags}",
                        "LDFLAGS=-fsanitize=address", f"COUNTERFOIL_LIBRARY={library}"], check=True, stdout=subprocess.DEVNULL)
        runtime = subprocess.run(["gcc", "-print-file-name=libasan.so"], capture_output=True, text=True).stdout.strip()
        reports = pathlib.Path(gateway.tempfile.mkdtemp(prefix="counterfoil-asan-"))
        self.addCleanup(shutil.rmtree, reports)
        environment = {"LD_PRELOAD": runtime, "ASAN_OPTIONS": f"detect_leaks=0:log_path={reports}/report"}
        module, gateway.MODULE = gateway.MODULE, folder / "objs/ngx_http_counterfoil_module.so"
        try:
            nginx = self.start("worker_processes 1;", environment=environment)
        finally:
            gateway.MODULE = module
        gateway.wait_until(nginx.workers, 30, "a worker")
        workers, count = nginx.workers(), 0
        end = time.monotonic() + 120
        while count < 100_000 and time.monotonic() < end:
            count += self.wrk(nginx, [*good(self.api, 40), *bad(60)], 5)[0]
        self.assertEqual(nginx.workers(), workers)
        self.assertEqual([file.read_text() for file in reports.iterdir()], [])
        self.assertGreaterEqual(count, 100_000)
        print(f"{count} requests with AddressSanitizer")


if __name__ == "__main__":
    unittest.main(verbosity=2)
