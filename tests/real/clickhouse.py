"""Real ClickHouse servers on 127.0.0.1: the current engine behind an HTTP front, the packaged server, and a proxy that loses
answers."""

import http.client
import os
import random
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import requests

from place import INSTALLED, free_ports
from waiting import eventually

FRONT = Path(__file__).with_name("clickhouse_front.py")
OLD = INSTALLED / "clickhouse-18.16"


def missing_current():
    """Why the current engine cannot be started here, in one line; None when it can."""
    try:
        import chdb  # noqa: F401
    except ImportError as error:
        return f"chdb is not installed: {error}"
    return None


def missing_old():
    """Why the packaged server cannot be started here, in one line; None when it can."""
    return None if (OLD / ".complete").exists() else "the packaged ClickHouse was not fetched (tests/real/install says why)"


class Server:
    """A process that answers HTTP on `port`, over `folder`."""

    user, password = "helios", "right"

    def __init__(self, folder: Path):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        [self.port] = free_ports(1)
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        if self.process is not None:
            self.kill9()

    def spawn(self, command, env=None):
        with open(self.folder / "server.log", "ab") as log:
            self.process = subprocess.Popen(
                command, cwd=self.folder, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=os.environ | (env or {})
            )
        eventually(self.answers, deadline=60, what=f"ClickHouse ready; see {self.folder}/server.log")

    def answers(self):
        assert self.process.poll() is None, (self.folder / "server.log").read_text(errors="replace")[-2000:]
        try:
            return requests.get(f"{self.url}/ping", timeout=5).status_code == 200
        except requests.RequestException:
            return False

    def kill9(self):
        self.process.kill()
        self.process.wait()
        self.process = None

    def sql(self, sql, output="JSONCompact"):
        """Asks the server itself, past Helios; the rows as lists."""
        response = requests.post(
            self.url,
            params={"default_format": output},
            data=sql.encode(),
            headers={"X-ClickHouse-User": self.user, "X-ClickHouse-Key": self.password},
            timeout=120,
        )
        assert response.status_code == 200, response.text[:1000]
        return response.json()["data"] if output == "JSONCompact" and response.text else response.text

    def cpu_seconds(self):
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Current(Server):
    """The current engine."""

    def start(self):
        self.spawn([sys.executable, FRONT, str(self.port), str(self.folder / "data")])


class Packaged(Server):
    """Debian's clickhouse-server 18.16, unpacked, not installed."""

    def start(self):
        [tcp] = free_ports(1)
        (self.folder / "config.xml").write_text(f"""<yandex>
            <logger><level>warning</level><console>1</console></logger>
            <http_port>{self.port}</http_port><tcp_port>{tcp}</tcp_port><listen_host>127.0.0.1</listen_host>
            <path>{self.folder}/data/</path><tmp_path>{self.folder}/tmp/</tmp_path><users_config>users.xml</users_config>
            <default_profile>default</default_profile><default_database>default</default_database>
            <mark_cache_size>5368709</mark_cache_size><timezone>UTC</timezone></yandex>""")
        (self.folder / "users.xml").write_text(f"""<yandex>
            <profiles><default/><reader><readonly>2</readonly></reader></profiles><quotas><default/></quotas>
            <users>
              <{self.user}><password>{self.password}</password><networks><ip>127.0.0.1</ip></networks><profile>default</profile>
                <quota>default</quota></{self.user}>
              <reader><password>{self.password}</password><networks><ip>127.0.0.1</ip></networks><profile>reader</profile>
                <quota>default</quota></reader>
            </users></yandex>""")
        libraries = ":".join(str(OLD / folder / "x86_64-linux-gnu") for folder in ("usr/lib", "lib"))
        command = [OLD / "usr/sbin/clickhouse-server", f"--config-file={self.folder}/config.xml"]
        self.spawn(command, {"LD_LIBRARY_PATH": libraries})


class Proxy:
    """Stands before a server and loses some of what is inserted: on the way there, or on the way back."""

    def __init__(self, server: Server, seed: int, share=0.0):
        self.server, self.share, self.random = server, share, random.Random(seed)
        self.lost_requests = self.lost_answers = 0
        self.lock = threading.Lock()
        [self.port] = free_ports(1)
        self.url = f"http://127.0.0.1:{self.port}"
        proxy = self

        class Between(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                fate = proxy.fate() if "INSERT" in self.path else "answered"
                if fate == "lost":
                    self.close_connection = True
                    return
                try:
                    connection = http.client.HTTPConnection("127.0.0.1", proxy.server.port, timeout=60)
                    connection.request("POST", self.path, body, dict(self.headers))
                    response = connection.getresponse()
                    answer = response.read()
                except OSError:
                    self.close_connection = True
                    return
                if fate == "unanswered":
                    self.close_connection = True
                    return
                self.send_response(response.status)
                for name, value in response.getheaders():
                    if name.lower() not in ("content-length", "transfer-encoding", "connection", "date", "server"):
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", self.port), Between)
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def fate(self):
        with self.lock:
            if self.random.random() >= self.share:
                return "answered"
            if self.random.random() < 0.4:
                self.lost_requests += 1
                return "lost"
            self.lost_answers += 1
            return "unanswered"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.http.shutdown()
        self.http.server_close()
