"""The command line against a running server: `helios load`, `helios sql`, `helios tail`, `helios verify`."""

import csv
import gzip
import io
import json
import select
import subprocess

import pyarrow
import pyarrow.parquet
import pytest
import zstandard

from helios import BINARY, ndjson
from streams import count
from waiting import eventually

N_ROWS = 10_000
CREATE = "CREATE STREAM events (id BIGINT, price DOUBLE, note TEXT) FROM HTTP"


def table():
    return [{"id": i, "price": i / 4, "note": f'note "{i}", ok'} for i in range(N_ROWS)]


def as_csv(rows):
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def as_parquet(rows):
    written = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), written, row_group_size=3000)
    return written.getvalue()


FILES = {
    "events.ndjson": ndjson,
    "events.json": lambda rows: json.dumps(rows).encode(),
    "events.csv": as_csv,
    "events.parquet": as_parquet,
    "events.ndjson.gz": lambda rows: gzip.compress(ndjson(rows)),
    "events.ndjson.zst": lambda rows: zstandard.compress(ndjson(rows)),
    "events.csv.gz": lambda rows: gzip.compress(as_csv(rows)),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_loaded_twice_is_loaded_once(helios, tmp_path, name):
    helios.sql(CREATE)
    file = tmp_path / name
    file.write_bytes(FILES[name](table()))
    for _ in range(2):
        helios.cli("load", file, "--into", "events", "--url", helios.url)
        assert helios.sql("SELECT id, price, note FROM events ORDER BY id LIMIT 20000") == table()
    helios.verify()


def test_an_interrupted_load_goes_on_where_it_stood(helios, tmp_path):
    helios.sql(CREATE)
    n = 1_000_000
    file = tmp_path / "events.ndjson"
    file.write_bytes(b"".join(b'{"id":%d,"note":"%s"}\n' % (i, b"x" * 100) for i in range(n)))
    command = ["load", str(file), "--into", "events", "--url", helios.url]
    found = 0
    for _ in range(3):
        loading = subprocess.Popen([BINARY, *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        eventually(lambda: count(helios, "events") > found or loading.poll() is not None)
        loading.kill()
        loading.wait()
        found = count(helios, "events")
    assert 0 < found < n, "the load must have been interrupted for this to test anything"
    helios.cli(*command)
    [row] = helios.sql("SELECT count(*) AS n, count(DISTINCT id) AS ids, min(id) AS first, max(id) AS last FROM events")
    assert row == {"n": n, "ids": n, "first": 0, "last": n - 1}
    helios.verify()


def test_a_load_goes_on_through_a_crash_of_the_server(helios, tmp_path):
    helios.sql(CREATE)
    n = 500_000
    file = tmp_path / "events.ndjson"
    file.write_bytes(b"".join(b'{"id":%d,"note":"%s"}\n' % (i, b"x" * 100) for i in range(n)))
    command = ["load", file, "--into", "events", "--url", helios.url]
    loading = subprocess.Popen([BINARY, *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    eventually(lambda: count(helios, "events") > 0)
    helios.kill9()
    helios.start()
    loading.wait(timeout=60)  # it may have gone on by itself, or given up and say so
    helios.cli(*command)
    [row] = helios.sql("SELECT count(*) AS n, count(DISTINCT id) AS ids FROM events")
    assert row == {"n": n, "ids": n}


def test_sql_prints_every_format(helios):
    helios.sql(CREATE)
    rows = table()[:5]
    helios.push("events", rows)
    statement = "SELECT id, price, note FROM events ORDER BY id"

    def printed(form):
        return helios.cli("sql", statement, "--format", form, "--url", helios.url).stdout

    text = printed("table").decode()
    assert all(row["note"] in text for row in rows) and "price" in text
    assert [json.loads(line) for line in printed("ndjson").splitlines()] == rows
    whole = json.loads(printed("json"))
    assert (whole["data"] if isinstance(whole, dict) else whole) == rows
    assert [row["note"] for row in csv.DictReader(io.StringIO(printed("csv").decode()))] == [row["note"] for row in rows]
    assert pyarrow.parquet.read_table(io.BytesIO(printed("parquet"))).to_pylist() == rows
    assert pyarrow.ipc.open_stream(printed("arrow")).read_all().to_pylist() == rows


def test_sql_reads_statements_from_a_file_and_names_what_is_wrong(helios, tmp_path):
    statements = tmp_path / "set-up.sql"
    statements.write_text(f"{CREATE};\n-- a comment; with a semicolon\nSELECT count(*) AS n FROM events;\n")
    helios.cli("sql", "--file", statements, "--url", helios.url)
    assert count(helios, "events") == 0
    wrong = helios.cli("sql", "SELECT prise FROM events", "--url", helios.url, check=False)
    assert wrong.returncode != 0 and b"price" in wrong.stderr


def test_tail_prints_rows_as_they_become_visible(helios):
    helios.sql(CREATE)
    tail = subprocess.Popen([BINARY, "tail", "events", "--url", helios.url], stdout=subprocess.PIPE)
    try:
        sent = 0

        def push_until_seen():
            nonlocal sent
            helios.push("events", [{"id": sent}])
            sent += 1
            return readable(tail.stdout)

        eventually(push_until_seen)
        first = json.loads(tail.stdout.readline())["id"]
        following = [first]
        while following[-1] < sent - 1:
            following.append(json.loads(tail.stdout.readline())["id"])
        assert following == list(range(first, sent))
    finally:
        tail.kill()
        tail.wait()


def readable(pipe):
    return bool(select.select([pipe], [], [], 0.2)[0])


def test_verify_agrees_and_says_so(helios):
    helios.sql(CREATE)
    helios.push("events", table())
    done = helios.cli("verify", "--url", helios.url)
    assert b"events" in done.stdout
