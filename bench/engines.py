"""The engines, each behind the same three verbs: load a file, ask, say how many bytes it keeps.

Every engine gets typed columns, the same order key, and both cores. chDB and DuckDB run in this process and pay for no HTTP."""

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import requests

ROOT = Path(__file__).resolve().parent.parent

# A server that hardly works for so long has nothing left to do: it looks for what is due more often.
REST_SECONDS = 3


def bytes_in(folder: Path):
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


class Helios:
    """The server as a process over a folder of its own; files come in by `helios load`, questions over HTTP."""

    name = "helios"
    types = {"time": "TIMESTAMP FORMAT EPOCH_MS", "text": "TEXT", "double": "DOUBLE", "integer": "BIGINT", "texts": "TEXT[]"}

    binary = os.environ.get("HELIOS_BIN", ROOT / "target" / "release" / "helios")

    def __init__(self, folder: Path):
        self.folder = folder
        self.version = subprocess.run([self.binary, "--version"], capture_output=True, text=True, check=True).stdout.strip()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{free.getsockname()[1]}"
        self.session = self.connection()
        self.log = open(folder / "helios.log", "ab")
        command = [self.binary, "run", "--data", folder / "data", "--listen", self.address]
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL)
        self.until(lambda: self.is_ready(), "the server is ready")

    def is_ready(self):
        try:
            return self.session.get(f"http://{self.address}/readyz", timeout=5).ok
        except requests.ConnectionError:
            return False

    def until(self, holds, what, seconds=120):
        deadline = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise RuntimeError(f"helios: gave up waiting until {what}; see {self.log.name}")
            time.sleep(0.02)

    def create(self, shape):
        self.ask(f"CREATE STREAM {shape.name} {self.columns(shape)} FROM HTTP {self.clauses(shape)}")

    @classmethod
    def columns(cls, shape):
        return "(" + ", ".join(f'"{name}" {cls.type(kind)}' for name, _, kind in shape.fields) + ")"

    @staticmethod
    def clauses(shape):
        order = ", ".join(f'"{name}"' for name in shape.order)
        return f'EVENT TIME "{shape.time}" PARTITION BY day("{shape.time}") ORDER BY ({order})'

    @classmethod
    def type(cls, kind):
        if isinstance(kind, list):
            return f"STRUCT<{', '.join(f'{name} {cls.type(inner)}' for name, inner in kind)}>"
        return cls.types[kind]

    def load(self, shape, file):
        command = [self.binary, "load", file, "--into", shape.name, "--url", f"http://{self.address}"]
        subprocess.run(command, check=True, capture_output=True)

    def connection(self):
        session = requests.Session()
        session.trust_env = False
        return session

    def push(self, connection, shape, body):
        connection.post(f"http://{self.address}/v1/streams/{shape.name}/records", data=body, timeout=60).raise_for_status()

    def peak_memory_mib(self):
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1024

    def settle(self, shape):
        """Until background work has nothing left to do: every file is sorted, and the server rests."""
        unsorted = f"SELECT count(*) AS n FROM system.files WHERE stream = '{shape.name}' AND NOT sorted"
        self.until(lambda: self.ask(unsorted)[0]["n"] == 0, "compaction is done", seconds=300)
        self.until(lambda: self.work_of(REST_SECONDS) < 0.02 * REST_SECONDS, "the server rests", seconds=300)

    def work_of(self, seconds):
        """CPU seconds in the next so many seconds."""
        before = self.cpu_seconds()
        time.sleep(seconds)
        return self.cpu_seconds() - before

    def cpu_seconds(self):
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def ask(self, sql):
        """Computed anew each time: kept answers would be no measurement."""
        headers = {"cache-control": "no-cache"}
        answer = self.session.post(f"http://{self.address}/api/v1/query", json={"sql": sql}, headers=headers, timeout=600)
        if not answer.ok:
            raise RuntimeError(f"helios: {answer.text[:1000]}")
        return answer.json().get("data")

    def bytes_kept(self):
        return bytes_in(self.folder / "data" / "data")

    def close(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=60)
        self.log.close()


class ChDB:
    """ClickHouse's engine, in this process: MergeTree, the order key as its primary key."""

    name = "chdb"
    types = {"time": "DateTime64(3)", "text": "String", "double": "Float64", "integer": "Int64", "texts": "Array(String)"}

    def __init__(self, folder: Path):
        import chdb
        from chdb import session

        self.version = f"chDB {chdb.__version__}"
        self.session = session.Session(str(folder / "data"))

    def create(self, shape):
        columns = ", ".join(f"`{name}` {self.type(kind)}" for name, _, kind in shape.fields)
        order = ", ".join(f"`{name}`" for name in shape.order)
        self.ask(f"CREATE TABLE {shape.name} ({columns}) ENGINE = MergeTree PARTITION BY toYYYYMMDD(`{shape.time}`) ORDER BY ({order})")

    def type(self, kind):
        if isinstance(kind, list):
            return f"Tuple({', '.join(f'{name} {self.type(inner)}' for name, inner in kind)})"
        return self.types[kind]

    def load(self, shape, file):
        # A whole number is read as seconds, so milliseconds are turned into a time here.
        read = ", ".join(f"`{name}` {'Int64' if kind == 'time' else self.type(kind)}" for name, _, kind in shape.fields)
        columns = ", ".join(f"fromUnixTimestamp64Milli(`{name}`)" if kind == "time" else f"`{name}`" for name, _, kind in shape.fields)
        self.ask(f"INSERT INTO {shape.name} SELECT {columns} FROM file('{file}', JSONEachRow, '{read}')")

    def settle(self, shape):
        self.ask(f"OPTIMIZE TABLE {shape.name} FINAL")

    def ask(self, sql):
        return self.session.query(sql, "CSV").data()

    def bytes_kept(self):
        return int(self.ask("SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND database = currentDatabase()"))

    def close(self):
        self.session.close()


class DuckDB:
    """DuckDB over a file, which a checkpoint makes durable."""

    name = "duckdb"
    types = {"time": "BIGINT", "text": "VARCHAR", "double": "DOUBLE", "integer": "BIGINT", "texts": "VARCHAR[]"}

    def __init__(self, folder: Path):
        import duckdb

        self.file = folder / "data.duckdb"
        self.version = f"DuckDB {duckdb.__version__}"
        self.database = duckdb.connect(str(self.file))

    def create(self, shape):
        kept = lambda name, kind: "TIMESTAMP" if kind == "time" else self.type(kind)
        columns = ", ".join(f'"{name}" {kept(name, kind)}' for name, _, kind in shape.fields)
        self.ask(f"CREATE TABLE {shape.name} ({columns})")

    def type(self, kind):
        if isinstance(kind, list):
            return f"STRUCT({', '.join(f'{name} {self.type(inner)}' for name, inner in kind)})"
        return self.types[kind]

    def load(self, shape, file):
        types = ", ".join(f"'{name}': '{self.type(kind)}'" for name, _, kind in shape.fields)
        columns = ", ".join(f'epoch_ms("{name}")' if kind == "time" else f'"{name}"' for name, _, kind in shape.fields)
        self.ask(f"INSERT INTO {shape.name} SELECT {columns} FROM read_json('{file}', format = 'newline_delimited', columns = {{{types}}})")
        self.ask("CHECKPOINT")

    def settle(self, shape):
        pass

    def ask(self, sql):
        return self.database.execute(sql).fetchall()

    def bytes_kept(self):
        return self.file.stat().st_size

    def close(self):
        self.database.close()


ENGINES = [Helios, ChDB, DuckDB]


def emptied(folder: Path):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
