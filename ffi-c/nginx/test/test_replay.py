"""Used proofs: over workers, reloads and crashes, and when there is no room for another."""

import concurrent.futures
import json
import os
import signal
import time

import gateway
from case import Case, dpop


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
