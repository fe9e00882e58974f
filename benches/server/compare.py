"""Requests a second of counterfoil-server beside oidc-provider: servers on one core, wrk on the other, every request different and answered well.

All servers run on the same core at once; only one is asked at a time. Each round mints new requests and sends the same ones to each server.
"""

import argparse
import datetime
import http.client
import json
import os
import pathlib
import pwd
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve()
FOLDER = TARGET / "bench-server"
PEER = ROOT / "benches/peers/oidc-provider"
# In memory: what the load generator reads must not keep the disk busy that one of the servers flushes to.
REQUESTS = pathlib.Path(f"/dev/shm/counterfoil-bench-{os.getpid()}")
SERVER_CORE, LOAD_CORE = "0", "1"
CONNECTIONS = 32
WORKS = {"par": "PAR", "par-dpop": "PAR with DPoP", "token": "token"}
GOALS = {"counterfoil (SQLite)": 8.0, "counterfoil (PostgreSQL)": 3.0}
# More than any of the servers answers in one turn.
MINTED_A_SECOND = 22_000


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def on_core(core, *command):
    return ["taskset", "-c", core, *map(str, command)]


class Server:
    """A process with a plain and a TLS port, which is there when this returns."""

    def __init__(self, name, version, command, port, tls_port, more=()):
        self.name, self.version, self.port, self.tls_port, self.more = name, version, port, tls_port, list(more)
        log = open(FOLDER / f"{name}.log", "wb")
        self.processes = [subprocess.Popen(on_core(SERVER_CORE, *own), cwd=FOLDER, stdin=subprocess.DEVNULL, stdout=log, stderr=log) for own in command]
        for process, own in zip(self.processes, (port, tls_port)):
            wait_for(own, process, self.name)

    def memory(self):
        """Resident memory of the process behind the plain port, in MiB."""
        text = pathlib.Path(f"/proc/{self.processes[0].pid}/status").read_text()
        return next(int(line.split()[1]) for line in text.splitlines() if line.startswith("VmRSS")) / 1024

    def stop(self):
        for process in self.processes:
            process.send_signal(signal.SIGTERM)
        for process in self.processes:
            process.wait(timeout=30)


def wait_for(port, process, name):
    for _ in range(300):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if process.poll() is not None:
            break
        time.sleep(0.1)
    sys.exit(f"{name} does not start: see {FOLDER}/{name}.log")


def counterfoil(name, store):
    """Two processes on one store: one in plain HTTP, as behind a proxy, and one with TLS."""
    ports, command = (free_port(), free_port()), []
    binary = TARGET / "release/counterfoil-server"
    for number, port in enumerate(ports):
        tls = f'certificate = "{FOLDER}/tls/server.pem"\nkey = "{FOLDER}/tls/server.key"' if number else ""
        text = f"""
issuer = "https://as.example"
[listen]
address = "127.0.0.1:{port}"
{tls}
[store]
{store}
[keys]
folder = "{FOLDER}/keys"
nonce_secret = "{FOLDER}/nonce.secret"
[scopes]
accounts = ""
offline_access = ""
[[resource]]
uri = "https://api.example.com"
"""
        file = FOLDER / f"{name}-{number}.toml"
        file.write_text(text)
        command.append([binary, "serve", "--config", file])
    subprocess.run([binary, "client", "add", FOLDER / "clients.json", "--config", command[0][3]], check=True)
    version = subprocess.run([binary, "--version"], check=True, capture_output=True, text=True).stdout.split()[-1]
    return Server(name, version, command, *ports)


class Postgres:
    """A cluster of this run's own, on the servers' core, durable as it comes."""

    def __init__(self):
        versions = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name))
        if not versions:
            sys.exit("PostgreSQL is not installed (Debian: postgresql)")
        self.programs, self.folder, self.port = versions[-1], pathlib.Path(f"/tmp/counterfoil-bench-{os.getpid()}"), free_port()
        self.folder.mkdir()
        if os.geteuid() == 0:
            owner = pwd.getpwnam("postgres")
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)
        self.run("initdb", "-D", self.folder / "data", "-A", "trust", "-U", "postgres", "-E", "UTF8")
        options = ["-D", self.folder / "data", "-k", self.folder, "-p", self.port, "-c", "listen_addresses=127.0.0.1", "-c", "max_connections=120"]
        self.process = subprocess.Popen(on_core(SERVER_CORE, *self.as_owner("postgres", *options)), cwd=self.folder, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(self.port, self.process, "PostgreSQL")
        self.version = self.run("postgres", "--version").split()[2]

    def as_owner(self, program, *arguments):
        owner = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []
        return [*owner, self.programs / program, *map(str, arguments)]

    def run(self, program, *arguments):
        return subprocess.run(self.as_owner(program, *arguments), check=True, capture_output=True, text=True, cwd=self.folder).stdout

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        self.process.wait(timeout=30)
        shutil.rmtree(self.folder)


def peer():
    port, tls_port = free_port(), free_port()
    versions = json.loads((PEER / "package.json").read_text())["dependencies"]
    node = PEER / "node_modules/node/bin/node"
    # One process has both ports.
    os.environ["NODE_ENV"] = "production"
    server = Server("oidc-provider", f"{versions['oidc-provider']}, Node {versions['node']}", [[node, PEER / "main.mjs", FOLDER, port, tls_port]], port, tls_port)
    wait_for(tls_port, server.processes[0], server.name)
    return server


def mint(work, count, host="as.example"):
    file = REQUESTS / f"{work}.requests"
    subprocess.run([TARGET / "release/requests", "mint", FOLDER, work, str(count), file, host], check=True)
    return file


def load(server, requests, seconds, tls=False):
    port, scheme = (server.tls_port, "https") if tls else (server.port, "http")
    environment = {**os.environ, "REQUESTS": str(requests)}
    command = on_core(LOAD_CORE, "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "30s", "-s", ROOT / "benches/server/load.lua",
                      f"{scheme}://127.0.0.1:{port}")
    said = subprocess.run(command, capture_output=True, text=True, env=environment, check=True).stdout
    figures = json.loads(said.splitlines()[-1])
    if figures["refused"] or figures["failed"] or not figures["requests"]:
        sys.exit(f"{server.name}: not every request was answered well: {figures}\n{one_answer(server, requests)}")
    figures["per_second"] = figures["requests"] / figures["seconds"]
    return figures


def one_answer(server, requests):
    """What the server says to one request, to see what is wrong."""
    with open(requests, "rb") as file:
        request = file.read(int(file.readline()))
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(request)
        return connection.recv(4096).decode(errors="replace")


def is_issuing(server, requests):
    """The first answer to a token request is a JWT bound to the proof's key, with what it must say."""
    with open(requests, "rb") as file:
        request = file.read(int(file.readline()))
    head, _, body = request.partition(b"\r\n\r\n")
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
    connection.request("POST", "/token", body, headers)
    answer = connection.getresponse()
    tokens = json.loads(answer.read())
    assert answer.status == 200 and tokens["token_type"] == "DPoP" and tokens["access_token"].count(".") == 2, (server.name, tokens)


def median(values):
    return statistics.median(values)


def measure(servers, rounds, seconds):
    rows = []
    for work in WORKS:
        turns = {server.name: [] for server in servers}
        for _ in range(rounds):
            requests = mint(work, MINTED_A_SECOND * seconds)
            for server in servers:
                turns[server.name].append(load(server, requests, seconds))
        for server in servers:
            own = turns[server.name]
            row = {"server": server.name, "version": server.version, "work": work, "transport": "http"}
            rows.append({**row, **{name: median([turn[name] for turn in own]) for name in ("per_second", "p50_ms", "p99_ms")}})
    for work in WORKS:
        requests = mint(work, MINTED_A_SECOND * seconds)
        for server in servers:
            turn = load(server, requests, seconds, tls=True)
            row = {"server": server.name, "version": server.version, "work": work, "transport": "https"}
            rows.append({**row, **{name: turn[name] for name in ("per_second", "p50_ms", "p99_ms")}})
    return rows


def memory(servers, flows, rows):
    """Resident memory after so many flows more, each a pushed request with a proof and a token response with another."""
    memories = []
    for server in servers:
        before, done = server.memory(), []
        for work in ("par-dpop", "token"):
            # As many as it answers in a quarter of a minute, and half as many again: proofs are good for a minute.
            rate = next(row["per_second"] for row in rows if (row["server"], row["work"], row["transport"]) == (server.name, work, "http"))
            made = 0
            while made < flows:
                made += load(server, mint(work, int(rate * 15 * 1.5)), 15)["requests"]
            done.append(made)
        memories.append({"server": server.name, "flows": min(done), "mib_before": round(before, 1), "mib_after": round(server.memory(), 1)})
    return memories


def tell(rows):
    """The table, and whether all goals were met."""
    found = {(row["work"], row["server"], row["transport"]): row for row in rows}
    names = list(dict.fromkeys(row["server"] for row in rows))
    all_met = True
    for transport in ("http", "https"):
        print(f"\n{transport}, {CONNECTIONS} connections")
        print(f"{'':16}{'server':28}{'requests/s':>12}{'p50 ms':>9}{'p99 ms':>9}{'ratio':>8}")
        for work, title in WORKS.items():
            theirs = found[work, "oidc-provider", transport]
            for name in names:
                own = found[work, name, transport]
                ratio = own["per_second"] / theirs["per_second"]
                said = ""
                if name in GOALS and transport == "http":
                    is_met = ratio >= GOALS[name] and own["p99_ms"] < theirs["p99_ms"]
                    all_met &= is_met
                    said = f"  goal {GOALS[name]:g} and a shorter p99: {'met' if is_met else 'MISSED'}"
                print(f"{title:16}{name:28}{own['per_second']:>12,.0f}{own['p50_ms']:>9.1f}{own['p99_ms']:>9.1f}{ratio:>8.1f}{said}")
    return all_met


def cpu():
    lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    fields = dict(line.split(":", 1) for line in lines if ":" in line)
    known = {name.strip(): value.strip() for name, value in fields.items()}
    return f"{known.get('model name')} (family {known.get('cpu family')}, model {known.get('model')})"


def main():
    parser = argparse.ArgumentParser(prog="cargo xtask bench server")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=4, help="of each turn")
    parser.add_argument("--flows", type=int, default=100_000, help="for memory; 0 for none")
    parser.add_argument("--results", help="a file for the figures as JSON")
    arguments = parser.parse_args()
    if os.cpu_count() < 2 or not shutil.which("wrk"):
        sys.exit("this needs wrk, and two cores: one for the servers, one for the load")
    shutil.rmtree(FOLDER, ignore_errors=True)
    subprocess.run([TARGET / "release/counterfoil-server", "init", FOLDER, "--issuer", "https://as.example"], check=True, stdout=subprocess.DEVNULL)
    subprocess.run([TARGET / "release/requests", "keys", FOLDER], check=True)
    REQUESTS.mkdir()
    postgres = Postgres()
    servers = []
    try:
        servers.append(counterfoil("counterfoil (SQLite)", f'sqlite = "{FOLDER}/store.db"'))
        servers.append(counterfoil("counterfoil (PostgreSQL)", f'postgres = "postgresql://postgres@127.0.0.1:{postgres.port}/postgres"'))
        servers.append(peer())
        for server in servers:
            is_issuing(server, mint("token", 1))
        print(f"{cpu()}; PostgreSQL {postgres.version}; " + "; ".join(f"{server.name} {server.version}" for server in servers))
        rows = measure(servers, arguments.rounds, arguments.seconds)
        all_met = tell(rows)
        memories = memory(servers, arguments.flows, rows) if arguments.flows else []
        for row in memories:
            print(f"{row['server']:28} {row['mib_before']:.0f} MiB, after {row['flows']:,} flows {row['mib_after']:.0f} MiB")
    finally:
        for server in servers:
            server.stop()
        postgres.stop()
        shutil.rmtree(REQUESTS)
    if arguments.results:
        told = {"date": datetime.date.today().isoformat(), "cpu": cpu(), "rounds": arguments.rounds, "seconds": arguments.seconds, "rows": rows, "memory": memories}
        pathlib.Path(arguments.results).write_text(json.dumps(told, indent=1) + "\n")
    sys.exit(0 if all_met else 1)


main()
