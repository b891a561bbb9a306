"""ClickHouse: clusters that are checked, streams delivered exactly once, and one SQL over both."""

import os
import random
import threading
import time

import pytest

import clickhouse
from clickhouse import Current, Packaged, Proxy
from helios import Helios, Refused
from waiting import eventually


@pytest.fixture
def current(tmp_path):
    if reason := clickhouse.missing_current():
        pytest.skip(reason)
    with Current(tmp_path / "clickhouse") as server:
        server.sql("CREATE DATABASE analytics", "TSV")
        yield server


@pytest.fixture
def packaged(tmp_path):
    if reason := clickhouse.missing_old():
        pytest.skip(reason)
    with Packaged(tmp_path / "clickhouse") as server:
        server.sql("CREATE DATABASE analytics", "TSV")
        yield server


@pytest.fixture
def helios(helios_folder):
    with Helios(helios_folder, env={"HELIOS_SECRET_CH": "right", "HELIOS_SECRET_BAD": "wrong"}) as running:
        yield running


def cluster(url, user="helios", secret="ch", more=""):
    return f"CREATE CLUSTER ch FROM CLICKHOUSE (url = '{url}', user = '{user}', password = SECRET '{secret}', database = 'analytics'{more})"


def sink(helios, name="orders_ch"):
    [row] = helios.sql("SELECT * FROM system.sinks WHERE name = $1", [name])
    return row


def delivered(helios, name="orders_ch"):
    """Waits until a sink has delivered everything."""

    def done():
        row = sink(helios, name)
        assert row["state"] not in ("parked", "refused"), row
        return row["delivered"] == row["newest"]

    eventually(done, deadline=120, what=f"{name} has delivered everything")


def rows(first, n):
    return [{"id": i, "ts": f"2026-11-{1 + i % 9:02}T00:00:{i % 60:02}.{i % 1_000_000:06}Z", "city": f"c{i % 7}", "price": i / 4} for i in range(first, first + n)]


ORDERS = (
    "CREATE STREAM orders (id BIGINT NOT NULL, ts TIMESTAMP, city TEXT, price DOUBLE) FROM HTTP "
    "EVENT TIME ts PARTITION BY day(ts) ORDER BY (city, ts)"
)


def test_a_cluster_is_checked_before_it_is_kept(helios, current):
    for statement, words in [
        (cluster("http://127.0.0.1:1"), "no answer from http://127.0.0.1:1"),
        (cluster(current.url, secret="bad"), "Authentication failed"),
        (cluster(current.url, secret="nowhere"), "there is no secret 'nowhere'"),
        (cluster(current.url).replace("analytics", "elsewhere"), "Database elsewhere does not exist"),
        (cluster(current.url, more=", compresion = 'zstd'"), "a cluster has no option compresion"),
    ]:
        with pytest.raises(Refused) as refused:
            helios.sql(statement)
        assert words in refused.value.text, refused.value.text
        assert helios.sql("SHOW CLUSTERS") == []
    found = helios.sql(cluster(current.url))
    assert {"login", "version", "database", "rights"} <= {row["about"] for row in found if row["result"] == "ok"}, found
    [shown] = helios.sql("SHOW CLUSTERS")
    assert shown["version"].startswith("26.") and "SECRET 'ch'" in shown["statement"]
    assert current.sql("SELECT count() FROM system.tables WHERE database = 'analytics'") in ([["0"]], [[0]]), "the check leaves nothing behind"


def test_what_is_delivered_is_read_by_a_client_that_is_not_ours(helios, current):
    import clickhouse_connect

    helios.sql(ORDERS)
    helios.push("orders", rows(0, 5_000))
    helios.sql(cluster(current.url))
    found = {row["about"]: row["detail"] for row in helios.sql("CREATE SINK orders_ch FROM orders INTO ch.orders")}
    assert found["column city"] == "LowCardinality(Nullable(String))"
    assert found["column ts"] == "Nullable(DateTime64(6, 'UTC'))"
    assert found["column id"] == "Int64"
    helios.push("orders", rows(5_000, 100))
    delivered(helios)
    client = clickhouse_connect.get_client(host="127.0.0.1", port=current.port, username="helios", password="right", compress=False)
    read = client.query("SELECT id, ts, city, price FROM analytics.orders ORDER BY id").result_rows
    assert [row[0] for row in read] == list(range(5_100))
    assert [row[2] for row in read] == [f"c{i % 7}" for i in range(5_100)]
    assert [row[3] for row in read] == [i / 4 for i in range(5_100)]
    assert all(row[1].microsecond == row[0] for row in read)
    # New columns follow.
    helios.sql("ALTER STREAM orders ADD COLUMN note TEXT")
    helios.push("orders", [{"id": 5_100, "note": "new"}])
    delivered(helios)
    assert current.sql("SELECT note, id FROM analytics.orders WHERE note IS NOT NULL") in ([["new", "5100"]], [["new", 5100]])
    # A renamed one is the same column.
    helios.sql("ALTER STREAM orders RENAME COLUMN note TO remark")
    helios.push("orders", [{"id": 5_101, "remark": "newer"}])
    delivered(helios)
    assert current.sql("SELECT remark FROM analytics.orders WHERE remark IS NOT NULL ORDER BY id") == [["new"], ["newer"]]


def test_an_existing_table_is_checked_column_by_column(helios, current):
    helios.sql(ORDERS)
    helios.sql(cluster(current.url))
    current.sql(
        "CREATE TABLE analytics.mine (id Int32, ts DateTime, city String, price Nullable(Float64), _commit Int64) ENGINE = MergeTree ORDER BY id",
        "TSV",
    )
    with pytest.raises(Refused) as refused:
        helios.sql("CREATE SINK mine FROM orders INTO ch.mine")
    for words in ("id: Int32 does not take every BIGINT", "ts: DateTime does not take NULL", "city: String does not take NULL"):
        assert words in refused.value.text, refused.value.text
    current.sql("CREATE TABLE analytics.latest (id Int64) ENGINE = ReplacingMergeTree ORDER BY id", "TSV")
    with pytest.raises(Refused) as refused:
        helios.sql("CREATE SINK latest FROM orders INTO ch.latest")
    assert "ReplacingMergeTree does not keep every row" in refused.value.text
    assert helios.sql("SHOW SINKS") == []


# What is asked of the lake, and then of the cluster.
QUESTIONS = [
    "SELECT * FROM t ORDER BY id",
    "SELECT id, n, u, r, d FROM t WHERE u > 9223372036854775807 ORDER BY id",
    "SELECT id FROM t WHERE d > 0.5 ORDER BY id",
    "SELECT id FROM t WHERE d < 0.5 ORDER BY id",
    "SELECT id FROM t WHERE d = 0.0 ORDER BY id",
    "SELECT id FROM t WHERE NOT (d > 1.5) ORDER BY id",
    "SELECT id FROM t WHERE p = 12.30 ORDER BY id",
    "SELECT id FROM t WHERE p < -0.01 OR p IS NULL ORDER BY id",
    "SELECT id FROM t WHERE s = '' ORDER BY id",
    "SELECT id FROM t WHERE s LIKE '%é%' ORDER BY id",
    "SELECT id FROM t WHERE s NOT IN ('', 'a''b\\\\c') ORDER BY id",
    "SELECT id FROM t WHERE s IS NULL ORDER BY id",
    "SELECT id, character_length(s) AS l FROM t ORDER BY id",
    "SELECT id FROM t WHERE at >= '1970-01-01T00:00:00Z' AND at < '2026-03-29T01:30:00.000001Z' ORDER BY id",
    "SELECT date_trunc('hour', at) AS h, count(*) AS n FROM t GROUP BY h ORDER BY h",
    "SELECT date_trunc('day', at) AS h, max(id) AS n FROM t GROUP BY h ORDER BY h",
    "SELECT CAST(at AS DATE) AS h, count(*) AS n FROM t GROUP BY h ORDER BY h",
    "SELECT id FROM t WHERE day > '1969-12-31' ORDER BY id",
    "SELECT min(day) AS a, max(day) AS b, min(at) AS c, max(at) AS e FROM t",
    "SELECT count(*) AS n, count(s) AS s, count(DISTINCT s) AS ds, sum(n) AS sn, sum(p) AS sp, min(p) AS mp, max(u) AS mu FROM t",
    "SELECT count(*) AS n, sum(n) AS sn, min(s) AS ms, avg(n) AS an FROM t WHERE id > 1000000",
    "SELECT b, count(*) AS n, count(*) FILTER (WHERE n > 0) AS pos FROM t GROUP BY b ORDER BY b",
    "SELECT s, count(*) AS n FROM t GROUP BY s HAVING count(*) > 1 ORDER BY n DESC, s NULLS FIRST",
    "SELECT s, sum(n) AS x FROM t GROUP BY s ORDER BY x DESC NULLS LAST LIMIT 3",
    "SELECT id, s FROM t ORDER BY s DESC NULLS FIRST, id LIMIT 4",
    "SELECT id, s FROM t ORDER BY s ASC NULLS LAST, id LIMIT 4",
    "SELECT DISTINCT b FROM t ORDER BY b",
    "SELECT id, o.a AS a, o.inner AS i, items, tags FROM t ORDER BY id",
    "SELECT id, cardinality(tags) AS c FROM t ORDER BY id",
    "SELECT id, doc FROM t WHERE doc IS NOT NULL ORDER BY id",
    "SELECT id, max(r) AS m FROM t GROUP BY id ORDER BY id",
    "SELECT a.id, b.s FROM t a JOIN t b ON a.n = b.n WHERE a.id < b.id ORDER BY a.id, b.id",
    "SELECT id, n + 1 AS n1, n * 2 AS n2 FROM t WHERE n + 1 > 0 ORDER BY id",
    "SELECT count(*) AS n FROM t WHERE _commit > 0",
    "SELECT _partition, _offset, _late, _tags, _rest FROM t ORDER BY id",
]

TYPES = (
    "CREATE STREAM t (id BIGINT NOT NULL, b BOOLEAN, i INT, n BIGINT, u BIGINT UNSIGNED, r REAL, d DOUBLE, p DECIMAL(12, 2), s TEXT, "
    "at TIMESTAMP, day DATE, doc JSON, o STRUCT<a INT, inner STRUCT<x TEXT, l ARRAY<INT>>>, items ARRAY<STRUCT<q INT, w TEXT>>, "
    "tags ARRAY<TEXT>) FROM HTTP EVENT TIME at PARTITION BY month(at) ORDER BY (s, at)"
)

VALUES = [
    {"id": 1, "b": True, "i": -(2**31), "n": -(2**63), "u": 2**64 - 1, "r": 1.5, "d": 0.1, "p": 12.3, "s": "", "at": "2026-03-29T01:30:00Z"},
    {"id": 2, "b": False, "i": 2**31 - 1, "n": 2**63 - 1, "u": 2**63, "r": -0.0, "d": -0.0, "p": "-0.01", "s": "é€😀", "at": "1969-12-31T23:59:59.999999Z"},
    {"id": 3, "d": 1e308, "p": 9999999999.99, "s": "a'b\\c\n\t", "at": "2026-03-29T02:00:00+02:00", "day": "1969-12-31"},
    {"id": 4, "d": 5e-324, "p": "-9999999999.99", "s": "a'b\\c\n\t", "day": "2026-02-28", "doc": {"a": [1, None, "x"], "b": {}}},
    {"id": 5, "n": 0, "u": 0, "d": 0.0, "p": 0, "s": "NULL", "doc": "text", "o": {"a": 1, "inner": {"x": "", "l": [1, None]}}},
    {"id": 6, "n": 7, "o": {"a": None, "inner": None}, "items": [], "tags": [], "doc": None, "at": "2038-01-19T03:14:08Z"},
    {"id": 7, "n": 7, "o": {"inner": {"x": None, "l": None}}, "items": [{"q": 1, "w": "a"}, None, {"q": None}], "tags": ["", None, "z"]},
    {"id": 8, "n": 7, "o": None, "items": None, "tags": None, "b": None, "unknown": {"kept": 1}, "at": "2106-02-07T06:28:17.5Z"},
    {"id": 9, "o": {}, "items": [{}], "tags": [None], "s": "é", "day": "2149-06-07", "at": "1960-02-29T12:00:00.25Z"},
]


def test_answers_are_the_same_from_the_lake_and_from_the_cluster(helios, current):
    helios.sql(TYPES)
    helios.push("t", VALUES[:6])
    helios.sql(cluster(current.url))
    helios.sql("CREATE SINK t_ch FROM t INTO ch.t")
    helios.push("t", VALUES[6:])
    delivered(helios, "t_ch")
    from_lake = {question: helios.sql(question) for question in QUESTIONS}
    helios.sql("ALTER STREAM t STORE IN ch")
    wrong = {}
    for question in QUESTIONS:
        try:
            found = helios.sql(question)
        except Refused as refused:
            found = refused.text
        if found != from_lake[question]:
            wrong[question] = (found, from_lake[question])
    # Rows that were not delivered yet come from the lake, in the same answer.
    helios.sql("PAUSE SINK t_ch")
    helios.push("t", [{"id": 10, "n": 1, "s": "é"}, {"id": 11, "s": "", "items": None}])
    both = {question: helios.sql(question) for question in QUESTIONS}
    helios.sql("ALTER STREAM t STORE IN LAKE")
    for question in QUESTIONS:
        if both[question] != (found := helios.sql(question)):
            wrong[f"both: {question}"] = (both[question], found)
    # The cluster's table by its own name, for what does not touch hidden columns or NULL lists.
    helios.sql("RESUME SINK t_ch")
    delivered(helios, "t_ch")
    for question in QUESTIONS:
        if any(word in question for word in ("_commit", "_rest", "*  FROM", "SELECT * ", "items", "tags")):
            continue
        found = helios.sql(question.replace("FROM t", "FROM ch.analytics.t").replace("JOIN t ", "JOIN ch.analytics.t "))
        if found != (lake := helios.sql(question)):
            wrong[f"ch: {question}"] = (found, lake)
    assert not wrong, "\n".join(f"{question}\n  cluster {ours}\n  lake    {lake}" for question, (ours, lake) in wrong.items())


def test_what_a_cluster_can_do_it_does(helios, current):
    helios.sql(ORDERS)
    helios.push("orders", rows(0, 1_000))
    helios.sql(cluster(current.url))
    helios.sql("CREATE SINK orders_ch FROM orders INTO ch.orders")
    delivered(helios)

    def remote(sql):
        plan = "\n".join(str(value) for row in helios.sql(f"EXPLAIN {sql}") for value in row.values())
        return [line.split("RemoteExec: ")[1] for line in plan.splitlines() if "RemoteExec: " in line]

    top = "SELECT city, count(*) AS n, avg(price) AS p FROM ch.analytics.orders WHERE ts > '2026-11-03' GROUP BY city ORDER BY n DESC, city LIMIT 3"
    [statement] = remote(top)
    for words in ("WHERE (`ts` > ", "GROUP BY `city`", "count()", "ORDER BY", "DESC NULLS FIRST", "LIMIT 3"):
        assert words in statement, statement
    assert helios.sql(top) == helios.sql(top.replace("ch.analytics.orders", "orders"))
    [statement] = remote("SELECT id FROM ch.analytics.orders WHERE city = 'c1' LIMIT 5")
    assert statement.endswith("SELECT `id` FROM `analytics`.`orders` WHERE (`city` = 'c1') LIMIT 5"), statement
    joined = "SELECT count(*) AS n FROM orders o JOIN ch.analytics.orders c ON o.id = c.id WHERE c.city = 'c1' AND o.price > 10"
    assert helios.value(joined) == helios.value(joined.replace("ch.analytics.orders", "orders"))
    # The cluster's own dialect, untouched; it may read, nothing else.
    assert helios.sql("-- engine: ch\nSELECT city, uniqCombined(id) AS n FROM analytics.orders GROUP BY city ORDER BY city LIMIT 1 BY city")[0]["city"] == "c0"
    with pytest.raises(Refused):
        helios.sql("-- engine: ch\nSELECT no_such_column FROM analytics.orders")


def fill(helios, n_rows, stop=None, key="fill"):
    """Pushes rows in small batches, each until it is taken."""
    n = 0
    while n < n_rows and not (stop and stop.is_set()):
        batch = rows(n, min(500, n_rows - n))
        try:
            helios.push("orders", batch, {"Idempotency-Key": f"{key}-{n}"})
            n += len(batch)
        except Exception:  # noqa: BLE001 - Helios is being killed; the same key is sent again
            time.sleep(0.05)
    return n


@pytest.mark.timeout(600)
def test_lost_answers_and_killed_processes_lose_and_double_nothing(helios, current):
    rounds = int(os.environ.get("HELIOS_CLICKHOUSE_ROUNDS", 12))
    seed = int(os.environ.get("HELIOS_CLICKHOUSE_SEED", random.randrange(1 << 30)))
    print(f"HELIOS_CLICKHOUSE_SEED={seed}")
    chance = random.Random(seed)
    with Proxy(current, seed, share=0.4) as proxy:
        helios.sql(ORDERS)
        helios.sql(cluster(proxy.url))
        helios.sql("CREATE SINK orders_ch FROM orders INTO ch.orders")
        n_rows = rounds * 5_000
        filling = threading.Thread(target=fill, args=(helios, n_rows))
        filling.start()
        for i in range(rounds):
            time.sleep(chance.uniform(0.3, 1.5))
            if i % 4 == 3:
                current.kill9()
                time.sleep(chance.uniform(0, 0.5))
                current.start()
            else:
                helios.kill9()
                helios.start()
        filling.join()
        proxy.share = 0
        delivered(helios)
    [[count, different, commits]] = current.sql("SELECT toInt64(count()), toInt64(uniqExact(id)), toInt64(max(_commit)) FROM analytics.orders")
    assert (int(count), int(different)) == (n_rows, n_rows), (count, different, proxy.lost_requests, proxy.lost_answers)
    assert int(commits) == helios.value("SELECT max(_commit) FROM orders")
    print(f"{proxy.lost_requests} requests and {proxy.lost_answers} answers were lost")


def test_the_packaged_server_takes_delivery_through_restarts(helios, packaged):
    with pytest.raises(Refused) as refused:
        helios.sql(cluster(packaged.url, secret="bad"))
    assert "Wrong password" in refused.value.text
    found = helios.sql(cluster(packaged.url, user="reader"))
    assert [row for row in found if row["about"] == "rights" and row["result"] == "missing"], found
    helios.sql("DROP CLUSTER ch")
    found = helios.sql(cluster(packaged.url))
    assert not [row for row in found if row["result"] == "missing"], found
    helios.sql(ORDERS)
    helios.push("orders", rows(0, 1_000))
    types = {row["about"]: row["detail"] for row in helios.sql("CREATE SINK orders_ch FROM orders INTO ch.orders")}
    assert types["column ts"].startswith("Nullable(Int64)"), types
    delivered(helios)
    # An absent server never slows the stream, and what it missed comes later.
    packaged.kill9()
    started = time.monotonic()
    for i in range(1, 6):
        helios.push("orders", rows(i * 1_000, 1_000))
    assert time.monotonic() - started < 5
    eventually(lambda: sink(helios)["state"] == "degraded", deadline=30, what="the sink says that the server is away")
    assert helios.value("SELECT count(*) FROM orders") == 6_000
    packaged.start()
    delivered(helios)
    assert packaged.sql("SELECT toString(count()), toString(uniqExact(id)) FROM analytics.orders") == [["6000", "6000"]]
    assert helios.value("SELECT count(*) FROM ch.analytics.orders WHERE city = 'c1'") == helios.value("SELECT count(*) FROM orders WHERE city = 'c1'")
    # A statement in its own dialect may read, nothing else.
    assert helios.sql("-- engine: ch\nSELECT city FROM analytics.orders ORDER BY city LIMIT 1 BY city")[0]["city"] == "c0"
    with pytest.raises(Refused) as refused:
        helios.sql("-- engine: ch\nDROP TABLE analytics.orders")
    assert "readonly" in refused.value.text, refused.value.text
    helios.sql("ALTER STREAM orders ADD COLUMN note TEXT")
    helios.push("orders", [{"id": 6_000, "note": "new", "price": 1}])
    delivered(helios)
    assert packaged.sql("SELECT note FROM analytics.orders WHERE id = 6000") == [["new"]]
    assert helios.value("SELECT sum(price) FROM ch.analytics.orders") == helios.value("SELECT sum(price) FROM orders")


@pytest.mark.timeout(900)
@pytest.mark.skipif(not os.environ.get("HELIOS_MEASURE"), reason="a measurement: HELIOS_MEASURE=1")
def test_how_fast_a_sink_delivers(helios, current, figures):
    n_rows, pad = int(os.environ.get("HELIOS_MEASURE_ROWS", 3_000_000)), "x" * 180
    helios.sql("CREATE STREAM orders (id BIGINT NOT NULL, ts TIMESTAMP FORMAT EPOCH_MS, city TEXT, price DOUBLE, pad TEXT) FROM HTTP EVENT TIME ts PARTITION BY day(ts)")
    sent = 0
    while sent < n_rows:
        lines = (f'{{"id":{i},"ts":{1767225600000 + i},"city":"c{i % 7}","price":{i / 4},"pad":"{i:08}{pad}"}}' for i in range(sent, min(sent + 100_000, n_rows)))
        helios.push("orders", "\n".join(lines).encode())
        sent = min(sent + 100_000, n_rows)
    eventually(lambda: helios.value("SELECT count(*) FROM system.commits WHERE inline") == 0, deadline=120, what="compacted")

    def cpu(process):
        fields = open(f"/proc/{process.pid}/stat").read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    helios.sql(cluster(current.url))
    before, theirs, started = cpu(helios.process), cpu(current.process), time.monotonic()
    helios.sql("CREATE SINK orders_ch FROM orders INTO ch.orders")
    delivered(helios)
    seconds = time.monotonic() - started
    ours, theirs = cpu(helios.process) - before, cpu(current.process) - theirs
    figures.append(
        f"sink: {n_rows / seconds:,.0f} events/s over {seconds:.1f} s; CPU: Helios {ours:.1f} s, ClickHouse behind its front {theirs:.1f} s;"
        f" {n_rows / ours:,.0f} events a CPU second of Helios"
    )
