"""The real nginx, started by the tests, and the services behind it."""

import http.client
import http.server
import json
import os
import pathlib
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]
MODULE = pathlib.Path(os.environ.get("COUNTERFOIL_MODULE", ROOT / "target/nginx/objs/ngx_http_counterfoil_module.so"))
NGINX = os.environ.get("NGINX") or shutil.which("nginx") or "/usr/sbin/nginx"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(condition, seconds=10, what="the condition"):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.005)
    raise AssertionError(f"waited {seconds} s in vain for {what}")


class Api:
    """What stands behind the gateway: the API shows what reached it, the others answer what the test put there."""

    def __init__(self):
        self.counterfoils, self.references, self.jwks = {}, {}, {}
        self.down, self.asked, self.seen, self.slow = False, [], [], 0
        api = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *arguments):
                pass

            def reply(self, status, body=b"", kind="application/json", **headers):
                self.send_response(status)
                self.send_header("Content-Type", kind)
                for name, value in headers.items():
                    self.send_header(name.replace("_", "-"), value)
                if status != 204:
                    self.send_header("Content-Length", str(len(body)))
                try:
                    self.end_headers()
                    self.wfile.write(body)
                except (BrokenPipeError, ConnectionResetError):
                    pass  # nginx gives up where its client does

            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                service, _, rest = self.path.lstrip("/").partition("/")
                if service in ("counterfoils", "introspect", "jwks"):
                    api.asked.append((service, rest, dict(self.headers.items()), body))
                    if api.down:
                        return self.reply(500)
                if service == "counterfoils":
                    try:
                        found = api.counterfoils.get(rest)
                    except OSError:
                        return self.reply(500)
                    if found in (None, "revoked"):
                        return self.reply(410 if found else 404)
                    return self.reply(200, found.encode(), "text/plain", Cache_Control="no-store")
                if service == "introspect":
                    found = api.references.get(body.decode())
                    if not found:
                        return self.reply(204)
                    kind = "application/json" if found.startswith("{") else "application/jwt" if found.startswith("ey") else "text/html"
                    return self.reply(200, found.encode(), kind, Cache_Control="max-age=60")
                if service == "jwks":
                    time.sleep(api.slow)
                    found = api.jwks.get(rest)
                    return self.reply(200, found.encode()) if found else self.reply(404)
                headers = [[name, value] for name, value in self.headers.items()]
                api.seen.append(headers)
                return self.reply(200, json.dumps({"path": self.path, "headers": headers, "body": body.decode()}).encode())

            do_GET = do_POST = do_PUT = do_OPTIONS = do_HEAD = answer

        http.server.ThreadingHTTPServer.daemon_threads = True
        http.server.ThreadingHTTPServer.request_queue_size = 256
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Nginx:
    """One nginx with the module, in a folder of its own."""

    BASE = """
load_module {module};
{main}
user root;
pid {folder}/nginx.pid;
error_log {folder}/error.log info;
events {{ worker_connections 512; }}
http {{
    client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
    uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
    log_format decision '$request_method $request_uri $status $counterfoil_code $counterfoil_claim_sub [$request_body]';
    access_log {folder}/access.log decision;
    large_client_header_buffers 8 128k;
    client_header_buffer_size 4k;
    {http}
}}
"""

    def __init__(self, http, main="worker_processes 1;", environment=None, wrapper=(), start=True):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="counterfoil-nginx-"))
        self.port, self.tls_port = free_port(), free_port()
        self.environment = {**os.environ, **(environment or {})}
        self.wrapper = list(wrapper)
        self.process = None
        self.http, self.main = http, main
        if start:
            self.start()

    def write(self):
        http = self.http(self) if callable(self.http) else self.http
        text = self.BASE.format(module=MODULE, main=self.main, folder=self.folder, http=http)
        (self.folder / "nginx.conf").write_text(text)

    def command(self, *more):
        return [*self.wrapper, NGINX, "-p", str(self.folder), "-c", str(self.folder / "nginx.conf"), *more]

    def test(self):
        """`nginx -t`: (whether it would start, what it says)."""
        self.write()
        done = subprocess.run(self.command("-t"), capture_output=True, text=True, env=self.environment, timeout=60)
        return done.returncode == 0, done.stderr

    def start(self):
        self.write()
        self.output = open(self.folder / "output.log", "wb")
        self.process = subprocess.Popen(self.command("-g", "daemon off;"), stdout=self.output, stderr=self.output, env=self.environment)
        wait_until(self.is_up, 60, f"nginx; {self.errors()[-800:]}")

    def is_up(self):
        if self.process.poll() is not None:
            raise AssertionError(f"nginx ended: {(self.folder / 'output.log').read_text()} {self.errors()}")
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        except OSError:
            return False

    def workers(self):
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [int(pid) for pid in children if self.is_serving(pid)]

    @staticmethod
    def is_serving(pid):
        try:
            title = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            return False
        return b"worker process" in title and b"shutting down" not in title

    def reload(self):
        before = set(self.workers())
        self.process.send_signal(signal.SIGHUP)
        wait_until(lambda: self.workers() and not before & set(self.workers()), 30, "new workers")

    def errors(self):
        log = self.folder / "error.log"
        return log.read_text(errors="replace") if log.exists() else ""

    def accesses(self):
        return (self.folder / "access.log").read_text().splitlines()

    def stop(self, keep=False):
        if self.process and self.process.poll() is None:
            self.quit()
        if self.process:
            self.output.close()
        if not keep:
            shutil.rmtree(self.folder, ignore_errors=True)

    def quit(self):
        # Again and again: nginx without a master sleeps on if a signal comes right before its epoll_wait.
        for _ in range(30):
            self.process.send_signal(signal.SIGQUIT)
            try:
                return self.process.wait(2)
            except subprocess.TimeoutExpired:
                pass
        self.process.kill()
        self.process.wait(10)

    def open(self, tls=None, timeout=30):
        if tls is None:
            return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        return http.client.HTTPSConnection("127.0.0.1", self.tls_port, timeout=timeout, context=tls)

    def request(self, path, headers=(), method="GET", connection=None, tls=None, body=None):
        """(status, headers, body text), with every header of the list sent as it is."""
        own = connection or self.open(tls)
        own.putrequest(method, path, skip_host=any(name.lower() == "host" for name, _ in headers), skip_accept_encoding=True)
        for name, value in headers:
            own.putheader(name, value)
        if body is not None:
            own.putheader("Content-Length", str(len(body)))
        own.endheaders(body)
        answer = own.getresponse()
        result = answer.status, answer.headers, answer.read().decode()
        if connection is None:
            own.close()
        return result


def client_context(certificate=None, version=None):
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if version is not None:
        context.minimum_version = context.maximum_version = version
    if certificate is not None:
        context.load_cert_chain(*certificate)
    return context


class Clock:
    """The time that an nginx sees, which the test sets."""

    def __init__(self, folder):
        self.file = folder / "clock"
        self.show(None)
        self.library = folder / "clock.so"
        source = pathlib.Path(__file__).with_name("clock.c")
        subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-o", self.library, source], check=True)
        self.environment = {"LD_PRELOAD": str(self.library), "TEST_CLOCK": str(self.file)}

    def show(self, seconds):
        """The real time for None."""
        with open(self.file, "r+b" if self.file.exists() else "wb") as file:
            file.write(struct.pack("=q", -1 if seconds is None else seconds))
