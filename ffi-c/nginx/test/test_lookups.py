"""Split and phantom tokens: SPL-01 to SPL-03, and lookups that fail."""

import json
import shutil
import socket
import subprocess
import time
import urllib.parse

import gateway
import mint
from case import HOLDER, KEY, OTHER_HOLDER, Case, dpop


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

    def test_a_store_may_say_that_a_ticket_was_revoked(self):
        _, _, ticket = self.ticket()
        self.ask("/split/", dpop("/split/", ticket), status=200)
        self.api.counterfoils[mint.b64(mint.sha256(ticket))] = "revoked"
        time.sleep(1.2)
        self.ask("/split/", dpop("/split/", ticket), "token_revoked", 401)
        self.ask("/split/", dpop("/split/", ticket), "token_revoked", 401)

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


class Store:
    """Counterfoils in a real Redis (or Valkey), as the service behind the gateway reads them."""

    def __init__(self, folder):
        self.port = gateway.free_port()
        command = [shutil.which("valkey-server") or "redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", folder]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        gateway.wait_until(self.is_up, 10, "the store")

    def is_up(self):
        try:
            return self.ask("PING") == b"PONG"
        except OSError:
            return False

    def ask(self, *words):
        """One command of RESP; a bulk string, a simple one, or a number."""
        with socket.create_connection(("127.0.0.1", self.port), 2) as connection, connection.makefile("rwb") as stream:
            stream.write(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word.encode()) for word in words))
            stream.flush()
            first = stream.readline().rstrip()
            return first[1:] if first[:1] != b"$" else stream.read(int(first[1:])) if first != b"$-1" else None

    def get(self, key):
        found = self.ask("GET", f"counterfoil:{key}")
        return found and found.decode()

    def stop(self):
        self.process.terminate()
        self.process.wait(10)


class CounterfoilsInRedis(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.store = cls.api.counterfoils = Store(cls.nginx.folder)
        cls.addClassCleanup(cls.store.stop)

    def test_published_revoked_and_away(self):
        tokens = [mint.token(KEY, {"jkt": HOLDER.thumbprint}) for _ in range(3)]
        tickets = []
        for token in tokens:
            head, _, ticket = token.rpartition(".")
            self.store.ask("SET", "counterfoil:" + mint.b64(mint.sha256(ticket)), head, "EX", "300")
            tickets.append(ticket)
        for token, ticket in zip(tokens[:2], tickets):
            _, body = self.ask("/split/", dpop("/split/", credential=ticket), status=200)
            self.assertIn(("authorization", f"Bearer {token}"), self.upstream(body))
        self.store.ask("DEL", "counterfoil:" + mint.b64(mint.sha256(tickets[1])))
        time.sleep(1.1)
        self.ask("/split/", dpop("/split/", credential=tickets[1]), "ticket_unknown", 401)
        self.ask("/split/", dpop("/split/", credential=tickets[0]), status=200)
        self.store.stop()
        self.ask("/split/", dpop("/split/", credential=tickets[2]), "lookup_unavailable", 503)
        time.sleep(1.1)
        self.ask("/split/", dpop("/split/", credential=tickets[0]), status=200)
