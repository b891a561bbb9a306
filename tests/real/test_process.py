"""The process and its data directory: who may open it, how it ends, what a full disk does, who may ask."""

import ctypes
import os
import re
import shutil
import sqlite3
import subprocess
import threading
from pathlib import Path

import pytest
import requests

from helios import Helios, Refused
from streams import count
from waiting import eventually

CREATE = "CREATE STREAM events (id BIGINT, pad TEXT) FROM HTTP"


def rows(first, n, pad=""):
    return [{"id": i, "pad": pad} for i in range(first, first + n)]


def refused_start(helios):
    """What a server says that must not start."""
    helios.start(ready=False)
    status = helios.process.wait(timeout=30)
    helios.process = None
    assert status not in (0, 101) and status > 0, f"ended with {status}: {helios.log_tail()}"
    return helios.log_tail()


# The data directory.


def test_a_second_server_on_the_same_data_is_refused_and_told_who_holds_it(helios, tmp_path):
    other = Helios(tmp_path, data=helios.data)
    said = refused_start(other)
    assert str(helios.process.pid) in said and str(helios.data) in said, said
    helios.sql(CREATE)
    helios.push("events", rows(0, 10))
    assert count(helios, "events") == 10


def test_a_data_directory_is_free_again_after_kill_9(helios):
    helios.kill9()
    helios.start()


def test_data_from_a_newer_version_is_refused_and_left_alone(helios):
    helios.sql(CREATE)
    helios.push("events", rows(0, 10))
    helios.stop()
    catalog = helios.data / "catalog.sqlite"
    version = set_version(catalog, lambda version: version + 1000)
    said = refused_start(helios)
    assert "newer" in said, said
    set_version(catalog, lambda _: version)
    helios.start()
    assert count(helios, "events") == 10


def set_version(catalog, change):
    """Changes the catalog's format version; returns the one before."""
    with sqlite3.connect(catalog) as database:
        [version] = database.execute("PRAGMA user_version").fetchone()
        database.execute(f"PRAGMA user_version = {change(version)}")
        return version


@pytest.fixture
def disk(tmp_path):
    """A file system of 64 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", folder], capture_output=True, text=True)
    if mounted.returncode != 0:
        pytest.skip(f"cannot mount a tmpfs: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def test_a_read_only_data_directory_is_named(helios_folder, disk):
    with Helios(helios_folder, data=disk / "data") as helios:
        helios.sql(CREATE)
        helios.push("events", rows(0, 10))
        helios.stop()
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        said = refused_start(helios)
        assert str(helios.data) in said and "read-only" in said.lower(), said
        subprocess.run(["mount", "-o", "remount,rw", disk], check=True)
        helios.start()
        assert count(helios, "events") == 10


@pytest.mark.parametrize("leave_free", [0, 1 << 20])
def test_a_full_disk_stops_acknowledgements_and_corrupts_nothing(helios_folder, disk, leave_free):
    with Helios(helios_folder, data=disk / "data") as helios:
        helios.sql(CREATE)
        acknowledged = helios.push("events", rows(0, 1000))["stored"]
        fill(disk / "ballast", leave_free)

        refused = None
        while refused is None:
            try:
                # Incompressible, so that a megabyte of records needs a megabyte of disk.
                acknowledged += helios.push("events", rows(acknowledged, 500, pad=os.urandom(1000).hex()))["stored"]
            except Refused as error:
                refused = error
        assert refused.status == 503 and refused.headers["Retry-After"], refused
        assert count(helios, "events") == acknowledged

        (disk / "ballast").unlink()
        eventually(lambda: pushed(helios, rows(acknowledged, 500)), what="pushes are taken again")
        acknowledged += 500
        assert count(helios, "events") == acknowledged
        helios.restart()
        assert [row["id"] for row in helios.sql("SELECT id FROM events ORDER BY id")] == list(range(acknowledged))
        helios.verify()


def fill(path, leave_free_bytes):
    free = os.statvfs(path.parent)
    with open(path, "wb") as ballast:
        os.posix_fallocate(ballast.fileno(), 0, free.f_bavail * free.f_frsize - leave_free_bytes)


def pushed(helios, batch):
    try:
        return helios.push("events", batch)["stored"] == len(batch)
    except Refused as refused:
        assert refused.status == 503
        return False


def test_the_catalog_can_be_rebuilt_from_the_files(helios_folder):
    (helios_folder / "eager.toml").write_text("[lake]\ncompact_age_ms = 100\n")
    with Helios(helios_folder, arguments=["--config", helios_folder / "eager.toml"]) as helios:
        helios.sql("CREATE STREAM events (id BIGINT, at TIMESTAMP) FROM HTTP EVENT TIME at PARTITION BY day(at)")
        for first in range(0, 300_000, 50_000):
            helios.push("events", [{"id": i, "at": f"2026-11-{1 + i % 3:02}T00:00:00Z"} for i in range(first, first + 50_000)])
        eventually(lambda: helios.value("SELECT sum(n_rows) AS n FROM system.files WHERE stream = 'events'") == 300_000)
        helios.stop()
        for file in helios.data.glob("catalog.sqlite*"):
            file.unlink()
        told = helios.cli("catalog", "rebuild", "--data", helios.data).stdout.decode()
        assert "300000 rows" in told
        assert "not recovered: the history of definitions" in told
        helios.start()
        [row] = helios.sql("SELECT count(*) AS n, count(DISTINCT id) AS ids, min(id) AS first, max(id) AS last FROM events")
        assert row == {"n": 300_000, "ids": 300_000, "first": 0, "last": 299_999}
        helios.push("events", [{"id": 300_000, "at": "2026-11-04T00:00:00Z"}])
        assert count(helios, "events") == 300_001
        helios.verify()


def test_upkeep_never_deletes_a_file_that_is_just_being_committed(helios_folder):
    # Every commit a file, and upkeep without a pause.
    (helios_folder / "busy.toml").write_text("[lake]\ninline_bytes_max = 1\nmaintain_ms = 1\n")
    with Helios(helios_folder, arguments=["--config", helios_folder / "busy.toml"]) as helios:
        streams = [f"events_{i}" for i in range(4)]
        for stream in streams:
            helios.sql(f"CREATE STREAM {stream} (id BIGINT) FROM HTTP")

        def push(stream):
            for i in range(300):
                helios.push(stream, [{"id": i}])

        pushing = [threading.Thread(target=push, args=[stream]) for stream in streams]
        for thread in pushing:
            thread.start()
        for thread in pushing:
            thread.join()
        for stream in streams:
            assert [row["id"] for row in helios.sql(f"SELECT id FROM {stream} ORDER BY id")] == list(range(300))
        helios.verify()


# Stopping.


def test_sigterm_under_load_keeps_every_acknowledged_row(helios):
    helios.sql(CREATE)
    acknowledged = [0] * 4

    def push(sender):
        try:
            while True:
                acknowledged[sender] += helios.push("events", rows(acknowledged[sender], 50))["stored"]
        except (requests.RequestException, Refused):
            return

    for round_ in range(3):
        pushing = [threading.Thread(target=push, args=[sender]) for sender in range(4)]
        for thread in pushing:
            thread.start()
        before = sum(acknowledged)
        eventually(lambda: sum(acknowledged) > before + 2000)
        helios.stop()
        for thread in pushing:
            thread.join()
        helios.start()
        # A push whose answer did not arrive may be stored, too: at most one a sender and round.
        assert 0 <= count(helios, "events") - sum(acknowledged) <= 50 * 4 * (round_ + 1)
    helios.verify()


# Durable means synced. Whether the disk was asked shows in no answer and in no crash of the process alone: only in the calls.

@pytest.mark.parametrize(("inline_bytes_max", "expected"), [(1 << 20, ["catalog"]), (1, ["file", "folder", "catalog"])])
def test_an_answer_comes_after_the_disk_was_asked_to_keep_what_it_promises(helios_folder, inline_bytes_max, expected):
    calls = helios_folder / "calls"
    prefix = ["strace", "-D", "-f", "-y", "-s", "12", "-e", "trace=fsync,fdatasync,write,writev,sendto", "-o", calls]
    if shutil.which("strace") is None or subprocess.run([*prefix, "true"], capture_output=True).returncode != 0:
        pytest.skip("cannot trace system calls (no strace, or not allowed)")
    (helios_folder / "small.toml").write_text(f"[lake]\ninline_bytes_max = {inline_bytes_max}\n")
    with Helios(helios_folder, arguments=["--config", helios_folder / "small.toml"], prefix=prefix) as helios:
        helios.sql(CREATE)
        helios.push("events", rows(0, 10))
        helios.stop()
    seen = eventually(lambda: until_answer(calls.read_text()), what="the answer among the calls")
    steps = iter(kind_of(helios, path) for path in seen)
    # In this order, whatever else happened between.
    assert all(kind in steps for kind in expected), seen


def until_answer(calls):
    """What was synced, in order, between the answer to the push and the answer before it; None until it is there."""
    seen, begun = [], {}
    for line in calls.splitlines():
        pid, call = line.split(maxsplit=1)
        if match := re.match(r"f(?:data)?sync\(\d+<(.+)>( <unfinished|\) += 0)", call):
            if "unfinished" in match[2]:
                begun[pid] = match[1]
            else:
                seen.append(match[1])
        elif re.match(r"<\.\.\. f(data)?sync resumed>\) += 0", call):
            seen.append(begun.pop(pid))
        elif r'"{\"stored\":10' in call:
            return seen
        elif '"HTTP/1.1 200' in call:
            seen.clear()
    return None


def kind_of(helios, path):
    if Path(path).name == "catalog.sqlite-wal":
        return "catalog"
    if Path(path).is_relative_to(helios.data / "data"):
        return "file" if path.endswith(".parquet") else "folder"
    return path


# Who may ask.

CLONE_NEWNET = 0x40000000


def test_another_bind_than_loopback_demands_a_token(helios_folder):
    # In a network of its own: no test listens where others could reach it.
    prefix = ["unshare", "-n", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
    if subprocess.run([*prefix, "true"], capture_output=True).returncode != 0:
        pytest.skip("cannot make a network namespace (not root?)")
    helios = Helios(helios_folder, prefix=prefix)
    helios.address = "0.0.0.0"
    try:
        helios.start(ready=False)
        eventually(lambda: inside(helios.process, helios.ready))
        [token] = set(re.findall(r"helios_[0-9a-f]{20,}", helios.log.read_text()))

        def statuses():
            asked = {"nobody": None, "a stranger": "helios_" + "0" * 48, "the owner": token}
            found = {}
            for who, helios.token in asked.items():
                found[who] = helios.request("POST", "/api/v1/query", json={"sql": "SELECT 1 AS one"}).status_code
            return found

        assert inside(helios.process, statuses) == {"nobody": 401, "a stranger": 401, "the owner": 200}
        helios.stop()

        helios.log.unlink()
        helios.start(ready=False)
        eventually(lambda: inside(helios.process, helios.ready))
        assert inside(helios.process, statuses) == {"nobody": 401, "a stranger": 401, "the owner": 200}
        assert token not in helios.log.read_text(), "the token is printed once"
    finally:
        helios.__exit__()


def inside(process, call):
    """The result of `call`, made in the network namespace of `process`."""
    result = []

    def enter():
        with open(f"/proc/{process.pid}/ns/net") as namespace:
            assert ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
        result.append(call())

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join(timeout=60)
    assert result, "the call inside the namespace failed; see its traceback above"
    return result[0]
