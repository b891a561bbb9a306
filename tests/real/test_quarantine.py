"""Quarantine against the real process: `kill -9` in the middle of a replay, and a replay beside a stream at full speed."""

import random
import threading
import time

import pytest
import requests

from helios import Refused
from streams import create, wait_count
from test_kill import check_each_once
from waiting import eventually

N_BAD = 100_000
N_KILLS = 4
A_PUSH = 10_000


def push_bad(helios, stream, n):
    """Records with a price that is no number; their ids are 0..n."""
    for first in range(0, n, A_PUSH):
        body = b"".join(b'{"id":%d,"price":"unknown"}\n' % i for i in range(first, first + A_PUSH))
        assert helios.push(stream, body)["quarantined"] == A_PUSH


def n_in(helios, state):
    return helios.value("SELECT coalesce(sum(n_" + state + "), 0) AS n FROM system.quarantine_classes")


class Replay(threading.Thread):
    """Runs a replay; what it answered, or that it was cut off."""

    def __init__(self, helios, sql):
        super().__init__(name="replay")
        self.helios, self.sql = helios, sql
        self.answer = None

    def run(self):
        try:
            self.answer = self.helios.sql(self.sql)
        except (requests.RequestException, Refused):
            pass  # the server was killed


@pytest.mark.timeout(300)
def test_kill_in_the_middle_of_a_replay_loses_and_doubles_nothing(helios, figures):
    dice = random.Random(1)
    helios.sql("CREATE STREAM orders (id BIGINT NOT NULL, price DOUBLE) FROM HTTP")
    push_bad(helios, "orders", N_BAD)
    [rehearsed] = helios.sql("EXPLAIN REPLAY QUARANTINE orders WITH SET price = NULL")
    assert (rehearsed["outcome"], rehearsed["n_records"]) == ("would pass", N_BAD)
    assert n_in(helios, "open") == N_BAD
    caught = []
    for _ in range(N_KILLS):
        before = n_in(helios, "replayed")
        replay = Replay(helios, "REPLAY QUARANTINE orders WITH SET price = NULL")
        replay.start()
        eventually(lambda: n_in(helios, "replayed") > before, what="the replay moves")
        time.sleep(dice.uniform(0, 0.2))  # the random moment
        helios.kill9()
        replay.join()
        helios.start()
        caught.append(n_in(helios, "replayed"))
        n = caught[-1]
        assert helios.value("SELECT count(*) AS n FROM orders") == n
        assert n_in(helios, "open") == N_BAD - n
        [part] = helios.verify()
        assert (part["received"], part["stored"], part["quarantined"]) == (N_BAD, n, N_BAD - n)
    assert caught[0] < N_BAD, f"the first kill came too late to be in the middle: {caught}"
    started = time.monotonic()
    helios.sql("REPLAY QUARANTINE orders WITH SET price = NULL")
    seconds = time.monotonic() - started
    check_each_once(helios, "orders", "price IS NULL", N_BAD)
    assert (n_in(helios, "open"), n_in(helios, "replayed")) == (0, N_BAD)
    assert helios.sql("REPLAY QUARANTINE orders WITH SET price = NULL") == []
    helios.restart()
    check_each_once(helios, "orders", "true", N_BAD)
    [part] = helios.verify()
    assert (part["received"], part["stored"], part["quarantined"]) == (N_BAD, N_BAD, 0)
    figures.append(
        f"replay of {N_BAD:,} records killed {N_KILLS} times, after {', '.join(f'{n:,}' for n in caught)} were stored: each is there "
        f"once; the last {N_BAD - caught[-1]:,} took {seconds:.1f} s"
    )


@pytest.mark.timeout(120)
def test_a_replay_goes_on_beside_a_stream_that_is_written_to(helios):
    n_bad = 20_000
    helios.sql("CREATE STREAM orders (id BIGINT NOT NULL, price DOUBLE) FROM HTTP")
    push_bad(helios, "orders", n_bad)
    enough = threading.Event()
    pushed = [0, 0]

    def push(sender):
        while not enough.is_set():
            first = 1_000_000 * (sender + 1) + pushed[sender]
            helios.push("orders", [{"id": i, "price": 1} for i in range(first, first + 500)])
            pushed[sender] += 500

    senders = [threading.Thread(target=push, args=(sender,)) for sender in range(len(pushed))]
    for sender in senders:
        sender.start()
    try:
        [done] = helios.sql("REPLAY QUARANTINE orders WITH SET price = 0")
    finally:
        enough.set()
        for sender in senders:
            sender.join()
    assert (done["outcome"], done["n_records"]) == ("stored", n_bad)
    assert sum(pushed) > 0
    check_each_once(helios, "orders", "id < 1000000", n_bad)
    for sender, n in enumerate(pushed):
        first = 1_000_000 * (sender + 1)
        [found] = helios.sql(f"SELECT count(*) AS n, count(DISTINCT id) AS ids FROM orders WHERE id >= {first} AND id < {first + n}")
        assert found == {"n": n, "ids": n}
    helios.verify()


@pytest.mark.timeout(120)
def test_kafka_records_are_replayed_with_key_headers_and_place(helios, kafka, topic):
    n_bad, n_good = 5_000, 20_000
    kafka.create_topic(topic, 2)
    create(helios, "events", kafka, topic, columns="(id BIGINT NOT NULL, price DOUBLE)")
    producer = kafka.producer()
    for i in range(n_bad):
        producer.produce(topic, b'{"id":%d,"price":"unknown"}' % i, key=b"key-%d" % i, headers=[("trace", b"t-%d" % i)])
    assert producer.flush(60) == 0
    eventually(lambda: n_in(helios, "open") == n_bad, what="all bad records in quarantine")
    # The source goes on while the records come back.
    for i in range(n_good):
        producer.produce(topic, b'{"id":%d,"price":1}' % (n_bad + i))
    [done] = helios.sql("REPLAY QUARANTINE events WITH SET price = NULL")
    assert (done["outcome"], done["n_records"]) == ("stored", n_bad)
    assert producer.flush(60) == 0
    wait_count(helios, "events", n_bad + n_good)
    check_each_once(helios, "events", "true", n_bad + n_good)
    right = "_key = 'key-' || id AND _headers = '{\"trace\":\"t-' || id || '\"}' AND _offset IS NOT NULL"
    assert helios.value(f"SELECT count(*) AS n FROM events WHERE price IS NULL AND {right}") == n_bad
    assert helios.value('SELECT count(DISTINCT (_partition || \' \' || _offset)) AS n FROM events') == n_bad + n_good
    assert [part["quarantined"] for part in helios.verify()] == [0, 0]


def test_the_command_line_works_with_quarantine(helios):
    helios.sql("CREATE STREAM orders (id BIGINT NOT NULL, price DOUBLE) FROM HTTP")
    helios.push("orders", [{"id": i, "price": "unknown"} for i in range(214)] + [{"price": 1}])
    cli = lambda *arguments, **run: helios.cli("quarantine", *arguments, "--url", helios.url, **run).stdout.decode()
    assert "expected a number, found text" in cli("classes", "orders")
    assert cli("replay", "orders", "--where", "path = 'price'", "--with", "SET price = NULL", "--dry-run") == "214 of 214 would pass\n"
    cut = cli("replay", "orders", "--with", "SET price = NULL", "--dry-run")
    assert cut.startswith("214 of 215 would pass\n  1 would stay  id  required field is missing")
    cli("replay", "orders", "--with", "SET price = NULL")
    assert helios.value("SELECT count(*) AS n FROM orders") == 214
    [last] = helios.sql("SELECT id FROM system.quarantine WHERE state = 'open'")
    assert '{"price":1}' in cli("show", "orders", last["id"]).replace(" ", "")
    # The class is in the guide, and users keep it: it may not change.
    cli("discard", "orders", "--class", "ff70af87294b", "--reason", "it's a test")
    assert n_in(helios, "discarded") == 1
    assert '{"price":1}' in cli("list", "orders", "--where", "note = 'it''s a test'").replace(" ", "")
    assert len(cli("download", "orders").splitlines()) == 215
    assert helios.cli("quarantine", "show", "orders", 9999, "--url", helios.url, check=False).returncode != 0
