"""The real `helios` binary as a process: started, asked, killed."""

import json
import os
import signal
import subprocess
import threading
from pathlib import Path

import requests

from place import REPOSITORY, free_ports
from waiting import eventually

BINARY = Path(os.environ.get("HELIOS_BIN", REPOSITORY / "target" / "debug" / "helios"))


class Refused(Exception):
    """An answer that is not 200: `status`, and `body` as JSON where it is JSON."""

    def __init__(self, response):
        self.status = response.status_code
        self.headers = response.headers
        self.text = response.text
        try:
            self.body = response.json()
        except ValueError:
            self.body = {}
        super().__init__(f"{self.status}: {self.text[:1000]}")


class Helios:
    """A server over the data directory `folder/data`, on one port through all its restarts; its log is `folder/helios.log`."""

    def __init__(self, folder: Path, env=None, data=None, arguments=(), prefix=()):
        self.folder = folder
        self.data = data or folder / "data"
        self.log = folder / "helios.log"
        self.env = {"NO_COLOR": "1"} | (env or {})
        self.arguments = list(arguments)
        self.prefix = list(prefix)
        self.address = "127.0.0.1"
        [self.port] = free_ports(1)
        self.url = f"http://127.0.0.1:{self.port}"
        self.token = None
        self.process = None
        self.sessions = threading.local()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        if self.process is not None:
            self.kill9()

    # The process.

    def start(self, ready=True):
        """Starts the server and, unless told otherwise, returns once /readyz says so."""
        self.process = self.spawn("run", "--data", self.data, "--listen", f"{self.address}:{self.port}", *self.arguments)
        if ready:
            self.wait_ready()

    def spawn(self, *arguments):
        with open(self.log, "ab") as log:
            command = [*self.prefix, BINARY, *map(str, arguments)]
            return subprocess.Popen(
                command, env=os.environ | self.env, cwd=self.folder, stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )

    def wait_ready(self):
        eventually(self.ready, deadline=60, what="server ready")

    def ready(self):
        status = self.process.poll()
        if status is not None:
            raise RuntimeError(f"helios ended with {status}: {self.log_tail()}")
        try:
            return self.session().get(f"{self.url}/readyz", timeout=5).status_code == 200
        except requests.ConnectionError:
            return False

    def kill9(self):
        self.process.kill()
        self.process.wait()
        self.process = None

    def stop(self):
        """SIGTERM; the server must commit what is open and exit with 0."""
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(timeout=60)
        self.process = None
        assert status == 0, f"helios ended with {status}: {self.log_tail()}"

    def restart(self):
        self.stop()
        self.start()

    def rss_bytes(self):
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) * 1024

    def log_tail(self, n_bytes=4000):
        return self.log.read_bytes()[-n_bytes:].decode(errors="replace") if self.log.exists() else ""

    # The command line, against this server.

    def cli(self, *arguments, check=True, **run):
        """Runs `helios ARGUMENTS...`; returns the finished process, with text output."""
        done = subprocess.run([BINARY, *map(str, arguments)], capture_output=True, timeout=120, env=os.environ | self.env, **run)
        assert not check or done.returncode == 0, f"helios {arguments[0]} ended with {done.returncode}: {done.stderr.decode()[-2000:]}"
        return done

    # HTTP.

    def session(self):
        """One session a thread, for its connections."""
        if not hasattr(self.sessions, "one"):
            self.sessions.one = requests.Session()
            self.sessions.one.trust_env = False
        return self.sessions.one

    def request(self, method, path, **options):
        headers = dict(options.pop("headers", None) or {})
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        options.setdefault("timeout", 60)
        return self.session().request(method, self.url + path, headers=headers, **options)

    def sql(self, text, params=None):
        """Runs a statement; its rows as dicts."""
        response = self.request("POST", "/api/v1/query", json={"sql": text, "format": "json"} | ({"params": params} if params else {}))
        if response.status_code != 200:
            raise Refused(response)
        return response.json().get("data", [])

    def value(self, text, params=None):
        """The one value of a one-row, one-column answer."""
        [row] = self.sql(text, params)
        [value] = row.values()
        return value

    def push_raw(self, stream, body, headers=None, **options):
        return self.request("POST", f"/v1/streams/{stream}/records", data=body, headers=headers, **options)

    def push(self, stream, body, headers=None):
        """Pushes NDJSON (bytes, or a list of objects) and returns the acknowledgement."""
        if not isinstance(body, bytes):
            body = ndjson(body)
        response = self.push_raw(stream, body, {"Content-Type": "application/x-ndjson"} | (headers or {}))
        if response.status_code != 200:
            raise Refused(response)
        return response.json()

    def verify(self):
        """The partitions of `GET /api/v1/verify`; fails unless everything agrees."""
        response = self.request("GET", "/api/v1/verify", timeout=300)
        assert response.status_code == 200, response.text
        report = response.json()
        assert report["ok"], json.dumps(report, indent=1)
        return report["partitions"]

    def stream(self, name):
        """The row of `system.streams` for a stream."""
        [row] = self.sql("SELECT * FROM system.streams WHERE name = $1", [name])
        return row


def ndjson(rows):
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)
