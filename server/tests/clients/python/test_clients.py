"""requests-oauth2client and Authlib against the real server over TLS."""

import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
import unittest
from pathlib import Path
from urllib.parse import parse_qs, urljoin, urlsplit

import requests
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from jwskate import Jwk
from requests_oauth2client import OAuth2Client, PrivateKeyJwt
from requests_oauth2client.exceptions import AuthorizationPending, InvalidGrant, InvalidRequest

BINARY = os.environ.get("COUNTERFOIL_SERVER", str(Path(__file__).parents[4] / "target/debug/counterfoil-server"))
REDIRECT_URI = "https://client.example/cb"
PASSWORD = "correct horse battery"


class Server:
    """A server of its own in a temporary folder."""

    def __init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.issuer = f"https://localhost:{port}"
        self.folder = Path(tempfile.mkdtemp(prefix="counterfoil-python-"))
        # One host name for all: certificates are asked for, and never needed, there.
        address = ["--address", f"127.0.0.1:{port}", "--mtls-host", "localhost"]
        subprocess.run([BINARY, "init", self.folder, "--issuer", self.issuer, *address], check=True, stdout=subprocess.DEVNULL)
        self.file = self.folder / "counterfoil.toml"
        self.file.write_text(self.file.read_text().replace("# [backchannel]", "[backchannel]\ninterval = 1"))
        self.command("user", "add", "alice", input=PASSWORD.encode() + b"\n")
        self.process = subprocess.Popen([BINARY, "serve", "--config", self.file], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            self.wait()
        except BaseException:
            self.stop()
            raise

    def wait(self) -> None:
        """Until the server answers."""
        with self.session() as session:
            for _ in range(200):
                try:
                    if session.get(f"{self.issuer}/health/ready").ok:
                        return
                except requests.exceptions.SSLError:
                    raise
                except requests.ConnectionError:
                    time.sleep(0.05)
        raise RuntimeError("the server does not start")

    def command(self, *arguments: str, input: bytes | None = None) -> None:
        subprocess.run([BINARY, *arguments, "--config", self.file], check=True, input=input)

    def session(self, identity: tuple[str, str] | None = None) -> requests.Session:
        session = requests.Session()
        # Else REQUESTS_CA_BUNDLE would be trusted instead.
        session.trust_env = False
        session.verify = str(self.folder / "tls/authority.pem")
        session.cert = identity
        return session

    def add(self, metadata: dict[str, object]) -> None:
        file = self.folder / f"{metadata['client_id']}.json"
        file.write_text(json.dumps({"redirect_uris": [REDIRECT_URI], **metadata}))
        self.command("client", "add", str(file))

    def certificate(self, name: str) -> tuple[str, str]:
        key, request, certificate, extensions = (str(self.folder / f"{name}.{end}") for end in ("key", "csr", "pem", "ext"))
        Path(extensions).write_text("basicConstraints=CA:FALSE\n")
        authority = [str(self.folder / "tls/authority.pem"), "-CAkey", str(self.folder / "tls/authority.key")]
        for arguments in (
            ["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key],
            ["req", "-new", "-key", key, "-subj", f"/CN={name}", "-out", request],
            ["x509", "-req", "-in", request, "-CA", *authority, "-CAcreateserial", "-days", "2", "-extfile", extensions, "-out", certificate],
        ):
            subprocess.run(["openssl", *arguments], check=True, capture_output=True)
        return certificate, key

    def browse(self, url: str) -> str:
        """A person signs in and allows; gives where the browser is sent."""
        with self.session() as browser:

            def hidden(page: str) -> dict[str, str]:
                return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page))

            page = browser.get(url).text
            form = {**hidden(page), "username": "alice", "password": PASSWORD, "action": "login"}
            page = browser.post(urljoin(url, "/login"), data=form).text
            answer = browser.post(urljoin(url, "/consent"), data={**hidden(page), "action": "approve"}, allow_redirects=False)
            return answer.headers["location"]

    def answer(self, text: str) -> None:
        """A person signs in on a phone and allows what the request with this text asks."""
        with self.session() as browser:

            def hidden(page: str) -> dict[str, str]:
                return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page))

            page = browser.get(f"{self.issuer}/approvals").text
            page = browser.post(f"{self.issuer}/approvals/login", data={**hidden(page), "username": "alice", "password": PASSWORD}).text
            section = next(section for section in page.split("<section") if text in section)
            answer = browser.post(f"{self.issuer}/approvals/decision", data={**hidden(section), "action": "approve"})
            assert "You have allowed it" in answer.text, answer.text

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(20)
        shutil.rmtree(self.folder)


class Clients(unittest.TestCase):
    server: Server

    @classmethod
    def setUpClass(cls) -> None:
        cls.server = Server()

    @classmethod
    def tearDownClass(cls) -> None:
        cls.server.stop()

    def oauth2_client(self, name: str, key: Jwk | None = None, **more: object) -> OAuth2Client:
        """requests-oauth2client, with private_key_jwt and DPoP."""
        key = key or Jwk.generate(alg="ES256", kid=f"{name}-key")
        self.server.add({
            "client_id": name,
            "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
            "token_endpoint_auth_method": "private_key_jwt",
            "jwks": {"keys": [key.public_jwk().to_dict()]},
            "dpop_bound_access_tokens": True,
            **more,
        })
        session = self.server.session()
        self.addCleanup(session.close)
        return OAuth2Client.from_discovery_endpoint(
            issuer=self.server.issuer,
            auth=PrivateKeyJwt(name, key, aud=self.server.issuer),
            session=session,
            redirect_uri=REDIRECT_URI,
            dpop_bound_access_tokens=True,
            id_token_signed_response_alg="ES256",
            # It does not look for this one in the metadata.
            backchannel_authentication_endpoint=f"{self.server.issuer}/bc-authorize",
        )

    def test_client_credentials_with_dpop_by_requests_oauth2client(self) -> None:
        token = self.oauth2_client("machine").client_credentials(scope="accounts")
        self.assertEqual((token.token_type, token.scope), ("DPoP", "accounts"))
        with self.server.session() as session:
            answer = session.get(f"{self.server.issuer}/resource", auth=token)
            self.assertEqual((answer.status_code, answer.json()["client_id"]), (200, "machine"))
            bearer = {"Authorization": f"Bearer {token.access_token}"}
            self.assertEqual(session.get(f"{self.server.issuer}/resource", headers=bearer).status_code, 401)

    def test_pushed_code_flow_refresh_and_revocation_by_requests_oauth2client(self) -> None:
        client = self.oauth2_client("app")
        # Without openid: ID tokens are judged by the clients for Node.
        asked = client.authorization_request(scope="accounts", nonce=None)
        pushed = client.pushed_authorization_request(asked)
        answered = asked.validate_callback(self.server.browse(str(pushed.uri)))
        token = client.authorization_code(answered)
        self.assertEqual((token.token_type, token.scope), ("DPoP", "accounts"))
        refreshed = client.refresh_token(token)
        self.assertNotEqual(refreshed.access_token, token.access_token)
        self.assertTrue(client.revoke_refresh_token(token.refresh_token))
        with self.assertRaises(InvalidGrant):
            client.refresh_token(refreshed)

    def about(self, name: str) -> dict[str, object]:
        """What a signed request says of itself."""
        now = int(time.time())
        return {"iss": name, "aud": self.server.issuer, "iat": now, "nbf": now, "exp": now + 300, "jti": os.urandom(16).hex()}

    def test_signed_request_by_requests_oauth2client(self) -> None:
        key = Jwk.generate(alg="ES256", kid="jar-key")
        client = self.oauth2_client("jar", key, require_signed_request_object=True)
        asked = client.authorization_request(scope="accounts", nonce=None, **self.about("jar"))
        # It signs requests, and does not push those that it has signed.
        with self.server.session() as session:
            pushed = session.post(f"{self.server.issuer}/par", data={"request": asked.sign(key).request}, auth=client.auth).json()
        request = {"client_id": "jar", "request_uri": pushed["request_uri"]}
        url = requests.Request("GET", f"{self.server.issuer}/authorize", params=request).prepare().url
        answered = asked.validate_callback(self.server.browse(url))
        self.assertEqual(client.authorization_code(answered).scope, "accounts")
        with self.assertRaises(InvalidRequest):
            client.pushed_authorization_request(client.authorization_request(scope="accounts", nonce=None))

    def test_ciba_by_requests_oauth2client(self) -> None:
        key = Jwk.generate(alg="ES256", kid="ciba-key")
        grants = ["urn:openid:params:grant-type:ciba", "refresh_token"]
        client = self.oauth2_client("ciba", key, grant_types=grants, backchannel_token_delivery_mode="poll")
        for number, signing in enumerate(({}, {"private_jwk": key, **self.about("ciba")})):
            message = f"python {number}"
            asked = client.backchannel_authentication_request(
                scope="openid accounts", login_hint="alice", binding_message=message, requested_expiry=60, **signing
            )
            self.assertEqual(asked.interval, 1)
            with self.assertRaises(AuthorizationPending):
                client.ciba(asked)
            self.server.answer(message)
            token = client.ciba(asked)
            self.assertEqual((token.token_type, token.scope), ("DPoP", "openid accounts"))
            with self.assertRaises(InvalidGrant):
                client.ciba(asked)

    def test_client_credentials_bound_to_a_certificate_by_authlib(self) -> None:
        key = Jwk.generate(alg="PS256", kid="authlib-key")
        self.server.add({
            "client_id": "authlib",
            "grant_types": ["client_credentials"],
            "token_endpoint_auth_method": "private_key_jwt",
            "jwks": {"keys": [key.public_jwk().to_dict()]},
            "tls_client_certificate_bound_access_tokens": True,
        })
        endpoint = f"{self.server.issuer}/token"
        claims = {"aud": self.server.issuer}
        with OAuth2Session("authlib", key.to_pem(), token_endpoint_auth_method=PrivateKeyJWT(endpoint, claims=claims, alg="PS256")) as session:
            session.trust_env = False
            session.verify = str(self.server.folder / "tls/authority.pem")
            session.cert = self.server.certificate("authlib")
            token = session.fetch_token(endpoint, grant_type="client_credentials", scope="accounts")
            self.assertEqual(token["token_type"], "Bearer")
            self.assertEqual(session.get(f"{self.server.issuer}/resource").status_code, 200)
            session.cert = None
            session.adapters.clear()
            session.mount("https://", requests.adapters.HTTPAdapter())
            self.assertEqual(session.get(f"{self.server.issuer}/resource").status_code, 401)

    def test_code_flow_with_a_certificate_by_authlib(self) -> None:
        self.server.add({
            "client_id": "authlib-app",
            "grant_types": ["authorization_code", "refresh_token"],
            "token_endpoint_auth_method": "tls_client_auth",
            "tls_client_auth_subject_dn": "CN=authlib-app",
            "tls_client_certificate_bound_access_tokens": True,
        })
        with OAuth2Session(
            "authlib-app", token_endpoint_auth_method="none", redirect_uri=REDIRECT_URI, code_challenge_method="S256", scope="accounts"
        ) as session:
            session.trust_env = False
            session.verify = str(self.server.folder / "tls/authority.pem")
            session.cert = self.server.certificate("authlib-app")
            verifier = "v" * 64
            url, state = session.create_authorization_url(f"{self.server.issuer}/authorize", code_verifier=verifier)
            # Authlib has no PAR of its own: the parameters that it makes are pushed as they are.
            asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
            pushed = session.post(f"{self.server.issuer}/par", data=asked, withhold_token=True).json()
            request = {"client_id": "authlib-app", "request_uri": pushed["request_uri"]}
            redirected = self.server.browse(requests.Request("GET", f"{self.server.issuer}/authorize", params=request).prepare().url)
            token = session.fetch_token(f"{self.server.issuer}/token", authorization_response=redirected, state=state, code_verifier=verifier)
            self.assertEqual(session.get(f"{self.server.issuer}/resource").json()["client_id"], "authlib-app")
            refreshed = session.refresh_token(f"{self.server.issuer}/token", refresh_token=token["refresh_token"])
            self.assertNotEqual(refreshed["access_token"], token["access_token"])


if __name__ == "__main__":
    unittest.main()
