"""Drift, poison and damage against the real process: bad records slow nothing, and a ledger that lies is found out."""

import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from test_kill import check_each_once

A_BATCH = 1_000
N_BATCHES = 60
ROUNDS = 5


def bodies(first, bad_every):
    """`N_BATCHES` bodies of shop-like events; every `bad_every`th price is no number (0: none)."""
    for batch in range(N_BATCHES):
        start = first + batch * A_BATCH
        yield b"".join(
            b'{"id":%d,"at":"2026-11-21T12:00:00.%03dZ","price":%s,"user":"u%d","region":"eu-west-1","kind":"view",'
            b'"session":"0123456789abcdef0123456789abcdef","category":"garden","brand":"Acme","device":"mobile"}\n'
            % (i, i % 1000, b'"n/a"' if bad_every and i % bad_every == 0 else b"%d.25" % (i % 500), i % 5000)
            for i in range(start, start + A_BATCH)
        )


def seconds_to_push(helios, stream, first, bad_every):
    """By four senders at once, as a busy stream has them."""
    made = list(bodies(first, bad_every))
    with ThreadPoolExecutor(4) as senders:
        started = time.monotonic()
        for done in [senders.submit(helios.push, stream, body) for body in made]:
            done.result()
        return time.monotonic() - started


@pytest.mark.timeout(300)
def test_poison_slows_nothing_and_is_recovered_to_the_last_record(helios, figures):
    columns = (
        "id BIGINT NOT NULL, at TIMESTAMP, price DOUBLE, user TEXT, region TEXT, kind TEXT, session TEXT, category TEXT,"
        " brand TEXT, device TEXT"
    )
    for stream in ("clean", "poisoned"):
        helios.sql(f"CREATE STREAM {stream} ({columns}) FROM HTTP EVENT TIME at")
    n = N_BATCHES * A_BATCH
    clean, poisoned = [], []
    seconds_to_push(helios, "clean", 10 * n, 0)
    for round in range(ROUNDS):
        clean.append(seconds_to_push(helios, "clean", round * n, 0))
        poisoned.append(seconds_to_push(helios, "poisoned", round * n, 100))
    rates = [n / min(seconds) for seconds in (clean, poisoned)]
    figures.append(
        f"1 % bad records: {rates[1]:,.0f}/s beside {rates[0]:,.0f}/s without, {100 * (1 - rates[1] / rates[0]):.1f} % slower"
        f" (the best of {ROUNDS} rounds each, in turns; four senders, {A_BATCH} a push)"
    )
    # The aim is 5 % on an idle machine; this must hold on a busy one.
    assert rates[1] > 50_000 and rates[1] > 0.6 * rates[0]
    total, bad = ROUNDS * n, ROUNDS * n // 100
    [part] = [part for part in helios.verify() if part["stream"] == "poisoned"]
    assert (part["received"], part["stored"], part["quarantined"]) == (total, total - bad, bad)
    [found] = helios.sql("SELECT path, n_open FROM system.quarantine_classes WHERE stream = 'poisoned'")
    assert found == {"path": "price", "n_open": bad}
    [rehearsed] = helios.sql("EXPLAIN REPLAY QUARANTINE poisoned WITH SET price = NULL")
    assert (rehearsed["outcome"], rehearsed["n_records"]) == ("would pass", bad)
    helios.sql("REPLAY QUARANTINE poisoned WITH SET price = NULL")
    check_each_once(helios, "poisoned", "true", total)
    [part] = [part for part in helios.verify() if part["stream"] == "poisoned"]
    assert (part["stored"], part["quarantined"]) == (total, 0)


def test_a_field_is_promoted_while_the_stream_reads(helios):
    helios.sql("CREATE STREAM orders (id BIGINT NOT NULL) FROM HTTP")
    for first in range(0, 20_000, 1_000):
        helios.push("orders", [{"id": i, "coupon": f"c{i}", "who": {"tier": i % 3}} for i in range(first, first + 1_000)])
        if first == 10_000:
            helios.sql("ALTER STREAM orders PROMOTE coupon")
            helios.sql("ALTER STREAM orders PROMOTE who.tier AS tier")
    [found] = helios.sql("SELECT count(*) AS n, count(coupon) AS coupons, count(tier) AS tiers, sum(tier) AS sum FROM orders")
    assert found == {"n": 20_000, "coupons": 20_000, "tiers": 20_000, "sum": sum(i % 3 for i in range(20_000))}
    helios.restart()
    assert helios.sql("SELECT coupon, tier FROM orders WHERE id = 7") == [{"coupon": "c7", "tier": 1}]


def found_out(helios):
    """What /api/v1/verify and /healthz say of a ledger that does not agree."""
    verified = helios.request("GET", "/api/v1/verify", timeout=300).json()
    health = helios.request("GET", "/healthz")
    return verified["ok"], [p["problem"] for p in verified["partitions"] if p["problem"]], health.status_code, health.json()["ledger"]


def filled(helios):
    helios.sql("CREATE STREAM orders (id BIGINT NOT NULL, pad TEXT) FROM HTTP")
    for first in (0, 50_000):
        helios.push("orders", b"".join(b'{"id":%d,"pad":"%064x"}\n' % (i, i * 7919) for i in range(first, first + 50_000)))
    assert found_out(helios) == (True, [], 200, [])


def test_a_damaged_ledger_is_found_out(helios):
    filled(helios)
    helios.stop()
    with sqlite3.connect(helios.data / "catalog.sqlite") as catalog:
        catalog.execute("UPDATE ledger SET received = received + 1, stored = stored + 1 WHERE rowid = (SELECT min(rowid) FROM ledger)")
    catalog.close()
    helios.start()
    ok, problems, status, ledger = found_out(helios)
    assert (ok, len(problems), status, [entry["stream"] for entry in ledger]) == (False, 1, 503, ["orders"])
    assert "ERROR" in helios.log_tail() and "the ledger does not agree" in helios.log_tail()


def test_a_removed_file_is_found_out(helios):
    filled(helios)
    files = sorted(helios.data.rglob("*.parquet"))
    assert files, "the pushes were large enough for files"
    files[0].unlink()
    ok, problems, status, ledger = found_out(helios)
    assert (ok, len(problems), status, len(ledger)) == (False, 1, 503, 1)
    assert helios.sql("SELECT 1 AS one") == [{"one": 1}]
