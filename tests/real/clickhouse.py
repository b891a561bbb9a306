"""Real ClickHouse servers on 127.0.0.1: the current engine behind an HTTP front, the packaged server, alone or as two replicas with a
keeper, and a proxy that loses answers."""

import http.client
import os
import random
import socket
import ssl
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
KEEPER = INSTALLED / "zookeeper"


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


def missing_replicas():
    """Why two replicas cannot be started here, in one line; None when they can."""
    if reason := missing_old():
        return reason
    return None if (KEEPER / ".complete").exists() else "ZooKeeper was not fetched (tests/real/install says why)"


class Server:
    """A process that answers HTTP on `port`, over `folder`."""

    user, password = "helios", "right"
    # The file with the authorities that vouch for it, where it speaks HTTPS.
    authority = None

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
            return requests.get(f"{self.url}/ping", timeout=5, verify=self.authority).status_code == 200
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
            verify=self.authority,
        )
        assert response.status_code == 200, response.text[:1000]
        return response.json()["data"] if output == "JSONCompact" and response.text else response.text

    def cpu_seconds(self):
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Current(Server):
    """The current engine; with the folder of `certificates.make` it speaks HTTPS."""

    def __init__(self, folder, certificates=None):
        super().__init__(folder)
        self.arguments = []
        if certificates is not None:
            self.url = self.url.replace("http://", "https://")
            self.authority = str(certificates / "ca.pem")
            self.arguments = [str(certificates / "server.pem")]

    def start(self):
        self.spawn([sys.executable, FRONT, str(self.port), str(self.folder / "data"), *self.arguments])


class Packaged(Server):
    """Debian's clickhouse-server 18.16, unpacked, not installed."""

    # What a server of several must be told.
    more = ""

    def __init__(self, folder):
        super().__init__(folder)
        [self.tcp] = free_ports(1)

    def start(self):
        (self.folder / "config.xml").write_text(f"""<yandex>
            <logger><level>warning</level><console>1</console></logger>
            <http_port>{self.port}</http_port><tcp_port>{self.tcp}</tcp_port><listen_host>127.0.0.1</listen_host>
            <path>{self.folder}/data/</path><tmp_path>{self.folder}/tmp/</tmp_path><users_config>users.xml</users_config>
            <default_profile>default</default_profile><default_database>default</default_database>
            <mark_cache_size>5368709</mark_cache_size><timezone>UTC</timezone>{self.more}</yandex>""")
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


class Keeper:
    """ZooKeeper, which replicas need."""

    def __init__(self, folder: Path):
        self.folder = folder
        (folder / "data").mkdir(parents=True)
        [self.port] = free_ports(1)

    def __enter__(self):
        (self.folder / "zoo.cfg").write_text(
            f"tickTime=500\ndataDir={self.folder}/data\nclientPort={self.port}\nclientPortAddress=127.0.0.1\nadmin.enableServer=false\n"
            "4lw.commands.whitelist=srvr\n"
        )
        command = ["java", "-Xmx96m", "-cp", f"{KEEPER}/*", "org.apache.zookeeper.server.quorum.QuorumPeerMain", f"{self.folder}/zoo.cfg"]
        with open(self.folder / "keeper.log", "ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        eventually(self.answers, deadline=60, what=f"ZooKeeper ready; see {self.folder}/keeper.log")
        return self

    def answers(self):
        assert self.process.poll() is None, (self.folder / "keeper.log").read_text(errors="replace")[-2000:]
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as asked:
                asked.sendall(b"srvr")
                return b"Mode: standalone" in asked.makefile("rb").read()
        except OSError:
            return False

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def replicas(folder: Path, keeper: Keeper):
    """Two packaged servers, not yet started, that know each other as the replicas of one shard of the cluster `both`."""
    servers = [Packaged(folder / name) for name in ("one", "two")]
    known = "".join(f"<replica><host>127.0.0.1</host><port>{server.tcp}</port></replica>" for server in servers)
    for server in servers:
        [between] = free_ports(1)
        server.more = f"""
            <interserver_http_port>{between}</interserver_http_port><interserver_http_host>127.0.0.1</interserver_http_host>
            <zookeeper><node><host>127.0.0.1</host><port>{keeper.port}</port></node><session_timeout_ms>2000</session_timeout_ms></zookeeper>
            <macros><shard>1</shard><replica>{server.folder.name}</replica></macros>
            <remote_servers><both><shard><internal_replication>true</internal_replication>{known}</shard></both></remote_servers>
            <distributed_ddl><path>/clickhouse/ddl</path></distributed_ddl>"""
    return servers


class Port:
    """A port that answers every request over HTTP with nothing; over HTTPS with a key and its certificate in `pem`."""

    def __init__(self, pem=None):
        [self.port] = free_ports(1)

        class Answer(BaseHTTPRequestHandler):
            def do_POST(self):
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", self.port), Answer)
        # What does not shake hands is no trouble of this end.
        self.http.handle_error = lambda *_: None
        if pem is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(pem)
            self.http.socket = context.wrap_socket(self.http.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.http.shutdown()
        self.http.server_close()


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
