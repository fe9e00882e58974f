"""Requests a second through nginx by wrk, one worker, keep-alive over TLS 1.3 with a client certificate: what the module adds to each."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "test"))

import gateway as real  # noqa: E402
import mint  # noqa: E402

SECONDS = int(os.environ.get("SECONDS_EACH", "4"))
TOKENS, PROOFS = 2000, 100000
KEY, HOLDERS, CLIENT, SERVER = mint.Key("k1"), [mint.Key() for _ in range(8)], mint.Certificate("client"), mint.Certificate("localhost")
ORIGIN = "https://api.example.com"
FOLDER = pathlib.Path(tempfile.mkdtemp(prefix="counterfoil-bench-"))
PEER = real.ROOT / "benches/peers/jose"


def write(name, requests):
    (FOLDER / name).write_text("\n".join("\t".join(fields) for fields in requests) + "\n")


def mint_requests(api):
    tokens = [mint.token(KEY, CLIENT.cnf, exp=2**31 - 1) for _ in range(TOKENS)]
    for name, path in (("open", "/open"), ("fresh", "/fresh"), ("auth", "/auth")):
        write(name, [(path, "Authorization", f"Bearer {token}") for token in tokens])
    write("hit", [("/hit", "Authorization", f"Bearer {token}") for token in tokens[:200]])
    tickets = []
    for token in tokens[:200]:
        head, _, ticket = token.rpartition(".")
        api.counterfoils[mint.b64(mint.sha256(ticket))] = head
        tickets.append(ticket)
    write("split", [("/split", "Authorization", f"Bearer {ticket}") for ticket in tickets])
    held = [(holder, mint.token(KEY, {"jkt": holder.thumbprint}, exp=2**31 - 1)) for holder in HOLDERS for _ in range(100)]
    proofs = [(held[number % len(held)], number) for number in range(PROOFS)]
    write("dpop", [("/dpop", "Authorization", f"DPoP {token}", "DPoP", mint.proof(holder, "GET", ORIGIN + "/dpop", token))
                   for (holder, token), _ in proofs])


def configuration(nginx, api, peer):
    folder = nginx.folder
    (folder / "jwks.json").write_text(mint.jwks(KEY))
    SERVER.write(folder, "server")
    return f"""
    access_log off;
    counterfoil_zone 64m replay=200000 tokens=2000 keys=64;
    upstream services {{ server 127.0.0.1:{api.port}; }}
    upstream peer {{ server 127.0.0.1:{peer}; keepalive 64; }}
    counterfoil_issuer {mint.ISSUER} jwks_file={folder}/jwks.json; counterfoil_audience {mint.AUDIENCE}; counterfoil_origin {ORIGIN};
    server {{ listen 127.0.0.1:{nginx.port}; }}
    server {{
        listen 127.0.0.1:{nginx.tls_port} ssl; ssl_protocols TLSv1.3; keepalive_requests 100000000;
        ssl_certificate {folder}/server.pem; ssl_certificate_key {folder}/server.key; ssl_verify_client optional_no_ca;
        root {folder}/www;
        location = /open {{ }}
        location = /fresh {{ counterfoil on; counterfoil_token_cache off; }}
        location = /hit {{ counterfoil on; }}
        location = /dpop {{ counterfoil on; }}
        location = /split {{ counterfoil on; counterfoil_token_cache off; counterfoil_split /counterfoils valid=1h; }}
        location = /auth {{ auth_request /peer; }}
        location = /peer {{
            internal; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_pass_request_body off;
            proxy_set_header X-Certificate $ssl_client_escaped_cert; proxy_pass http://peer;
        }}
        location = /counterfoils {{ internal; proxy_pass http://services/counterfoils/$counterfoil_key; }}
    }}"""


def wrk(nginx, name, seconds):
    environment = {**os.environ, "REQUESTS": str(FOLDER / name), "LD_PRELOAD": str(FOLDER / "certificate.so"),
                   "CLIENT_CERTIFICATE": str(FOLDER / "client.pem"), "CLIENT_KEY": str(FOLDER / "client.key")}
    command = ["wrk", "-t1", "-c8", f"-d{seconds}s", "-s", HERE.parent / "test/load.lua", f"https://127.0.0.1:{nginx.tls_port}"]
    said = subprocess.run(command, capture_output=True, text=True, env=environment, check=True).stdout
    if "Non-2xx" in said:
        raise SystemExit(f"{name}: {said}\n{nginx.errors()[-1000:]}")
    return float(re.search(r"Requests/sec:\s+([\d.]+)", said)[1])


def engine(name):
    arguments = [FOLDER / "engine", FOLDER / "jwks.json", FOLDER / "client.der", FOLDER / name, ORIGIN]
    return int(subprocess.run(arguments, capture_output=True, text=True, check=True).stdout) / 1000


def build():
    library = os.environ.get("COUNTERFOIL_LIBRARY", real.ROOT / "target/release/libcounterfoil_ffi.a")
    run = lambda *command: subprocess.run(command, check=True)
    run("cc", "-O2", "-shared", "-fPIC", "-o", FOLDER / "certificate.so", HERE / "certificate.c", "-ldl")
    run("cc", "-O2", "-D_GNU_SOURCE", "-I", real.ROOT / "ffi-c/include", "-o", FOLDER / "engine", HERE / "engine.c", library, "-lm", "-ldl", "-lpthread")
    (FOLDER / "jwks.json").write_text(mint.jwks(KEY))
    (FOLDER / "client.der").write_bytes(CLIENT.der)
    CLIENT.write(FOLDER, "client")


def main():
    api = real.Api()
    build()
    mint_requests(api)
    peer = subprocess.Popen(["node", HERE / "auth_request.mjs", FOLDER / "jwks.json", PEER], stdout=subprocess.PIPE, text=True)
    nginx = real.Nginx(lambda nginx: configuration(nginx, api, peer.stdout.readline().strip()), start=False)
    try:
        (nginx.folder / "www").mkdir()
        for name in ("open", "fresh", "hit", "dpop", "split", "auth"):
            (nginx.folder / "www" / name).write_text("ok")
        nginx.start()
        wrk(nginx, "split", 2)
        wrk(nginx, "hit", 1)
        rates = {name: wrk(nginx, name, 2 if name == "dpop" else SECONDS) for name in ("open", "fresh", "hit", "split", "dpop", "auth")}
        open_again = wrk(nginx, "open", SECONDS)
        base = 2e6 / (rates["open"] + open_again)
        added = {name: 1e6 / rate - base for name, rate in rates.items()}
        own = {name: engine(name) for name in ("fresh", "dpop")}
        report(rates, open_again, added, own)
    finally:
        nginx.stop()
        peer.terminate()
        peer.wait(10)
        api.close()
        shutil.rmtree(FOLDER, ignore_errors=True)


def memory(issuers):
    """KiB of a worker's anonymous pages, with so many issuers of four keys each."""
    def http(nginx):
        lines = []
        for number in range(issuers):
            file = nginx.folder / f"jwks{number}.json"
            file.write_text(mint.jwks(*(mint.Key(f"k{key}") for key in range(4))))
            lines.append(f"counterfoil_issuer https://as{number}.example.com jwks_file={file};")
        return f"""
    counterfoil on; counterfoil_audience {mint.AUDIENCE}; counterfoil_origin {ORIGIN}; {' '.join(lines)}
    server {{ listen 127.0.0.1:{nginx.port}; location / {{ root {nginx.folder}; }} }}"""

    nginx = real.Nginx(http)
    try:
        real.wait_until(nginx.workers, 10, "a worker")
        smaps = pathlib.Path(f"/proc/{nginx.workers()[0]}/smaps_rollup").read_text()
        return int(re.search(r"Anonymous:\s+(\d+) kB", smaps)[1])
    finally:
        nginx.stop()


def report(rates, open_again, added, own):
    model = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())[1]
    print(f"{model}, {os.cpu_count()} cores; wrk and one nginx worker share them; {TOKENS} ES256 tokens, TLS 1.3\n")
    print("| location | requests/s | added µs | goal |\n| --- | ---: | ---: | --- |")
    print(f"| unprotected, first and last | {rates['open']:.0f}, {open_again:.0f} | | |")
    rows = (("fresh", "mTLS-bound token", f"≤ engine {own['fresh']:.1f} + 5", own["fresh"] + 5),
            ("hit", "the same, remembered", "≤ 4", 4),
            ("dpop", "DPoP: remembered token, new proof by a known key", f"≤ engine {own['dpop']:.1f} + 8", own["dpop"] + 8),
            ("split", "split token, looked up before", "≤ mTLS-bound + 3", added["fresh"] + 3))
    for name, title, goal, most in rows:
        print(f"| {title} | {rates[name]:.0f} | {added[name]:.1f} | {goal}: {'met' if added[name] <= most else 'MISSED'} |")
    few, many = memory(1), memory(32)
    times = rates["fresh"] / rates["auth"]
    print(f"| auth_request to Node with jose | {rates['auth']:.0f} | {added['auth']:.1f} | mTLS-bound ≥ 5×: {times:.1f}×, {'met' if times >= 5 else 'MISSED'} |")
    print(f"\nMemory of a worker's own (anonymous pages): {few} KiB with one issuer of 4 keys, {many} KiB with 32 of them")


if __name__ == "__main__":
    main()
