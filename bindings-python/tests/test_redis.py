"""Used proofs in a real Redis, which processes share."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest

from counterfoil import CounterfoilError, Verifier
from material import HELD, KEY, ORIGIN, dpop, mint


def redis_server(folder):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder, "--loglevel", "warning"]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    end = time.monotonic() + 10
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return server, port
        except OSError:
            time.sleep(0.02)
    server.kill()
    raise RuntimeError("redis-server does not listen")


OTHER_PROCESS = """
import sys
from counterfoil import CounterfoilError, Verifier
url, issuer, audience, jwks, token, proof, target = sys.argv[1:]
try:
    Verifier(issuer, audience, jwks=jwks, dpop={"replay_url": url}).accept(token, dpop=proof, method="GET", url=target)
    print("ok")
except CounterfoilError as error:
    print(error.code)
"""


@unittest.skipIf(shutil.which("redis-server") is None and os.environ.get("CI") != "true", "redis-server is not installed")
class Redis(unittest.TestCase):
    def test_a_proof_is_used_up_for_all_processes(self):
        with tempfile.TemporaryDirectory() as folder:
            server, port = redis_server(folder)
            try:
                url, target = f"redis://127.0.0.1:{port}/", ORIGIN + "/x"
                own = Verifier(mint.ISSUER, mint.AUDIENCE, jwks=mint.jwks(KEY), dpop={"replay_url": url})
                used, unused = dpop("/x")[1][1], dpop("/x")[1][1]
                own.accept(HELD, dpop=used, method="GET", url=target)
                for proof, expected in ((used, "proof_replayed"), (unused, "ok")):
                    arguments = (url, mint.ISSUER, mint.AUDIENCE, mint.jwks(KEY), HELD, proof, target)
                    done = subprocess.run([sys.executable, "-c", OTHER_PROCESS, *arguments], capture_output=True, text=True, timeout=60)
                    self.assertEqual(done.stdout.strip(), expected, done.stderr)
            finally:
                server.terminate()
                server.wait(10)
            with self.assertRaises(CounterfoilError) as caught:
                own.accept(HELD, dpop=dpop("/x")[1][1], method="GET", url=target)
            self.assertEqual(caught.exception.status, 503)


if __name__ == "__main__":
    unittest.main()
