"""Streams over a real Apache Kafka broker, fed by clients that are not ours."""

import json
import threading
import time
from datetime import datetime, timezone

import pytest

from helios import Helios, Refused
from kafka import PASSWORD
from streams import PASSWORD_ENV, count, create, ids, wait_count, wait_state
from waiting import eventually


@pytest.fixture
def helios(helios_folder):
    """A Helios that can log in to the broker, and looks for new partitions each second instead of every ten."""
    (helios_folder / "quick.toml").write_text("[ingest]\nkafka_refresh_ms = 1000\n")
    with Helios(helios_folder, env=PASSWORD_ENV, arguments=["--config", helios_folder / "quick.toml"]) as running:
        yield running


def events(first, n):
    return [json.dumps({"id": i}).encode() for i in range(first, first + n)]


def verified(helios, stream):
    """The sums of `verify` over a stream's partitions."""
    parts = [part for part in helios.verify() if part["stream"] == stream]
    return {key: sum(part[key] for part in parts) for key in ("received", "stored", "counted", "quarantined", "lost")}


# Reading.


def test_rows_carry_key_headers_partition_offset_and_broker_time(helios, kafka, kcat, topic):
    kafka.create_topic(topic, 2)
    produce = ["-P", "-t", topic, "-p", "1", "-K", "|", "-H", "source=web", "-H", "trace=7"]
    kcat(*produce, input=b'k1|{"id": 1, "note": "first"}\nk2|{"id": 2, "note": "second"}\n')
    create(helios, "orders", kafka, topic, "(id BIGINT, note TEXT)")
    wait_count(helios, "orders", 2)

    rows = helios.sql("SELECT id, note, _key, _headers, _partition, _offset, _time FROM orders ORDER BY id")
    assert [(row["id"], row["note"], row["_key"], row["_partition"], row["_offset"]) for row in rows] == [
        (1, "first", "k1", "1", 0),
        (2, "second", "k2", "1", 1),
    ]
    assert all(json.loads(row["_headers"]) == {"source": "web", "trace": "7"} for row in rows)

    broker_times = [int(line) for line in kcat("-C", "-t", topic, "-p", "1", "-e", "-q", "-f", "%T\n").split()]
    assert [millis(row["_time"]) for row in rows] == broker_times
    assert set(helios.sql("SELECT * FROM orders LIMIT 1")[0]) == {"id", "note"}


def millis(text):
    at = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return round(at.replace(tzinfo=at.tzinfo or timezone.utc).timestamp() * 1000)


def test_every_compression_is_read(helios, kafka, topic):
    kafka.create_topic(topic)
    codecs = ["none", "gzip", "snappy", "lz4", "zstd"]
    for i, codec in enumerate(codecs):
        kafka.produce(topic, events(i * 1000, 1000), **{"compression.type": codec})
    create(helios, "orders", kafka, topic)
    wait_count(helios, "orders", 5000)
    assert ids(helios, "orders") == list(range(5000))


def test_aborted_transactions_never_show(helios, kafka, topic):
    kafka.create_topic(topic)
    create(helios, "orders", kafka, topic)
    producer = kafka.producer(**{"transactional.id": topic})
    producer.init_transactions(30)
    for round_, end in enumerate(["commit", "abort", "commit", "abort", "abort", "commit"]):
        producer.begin_transaction()
        for payload in events(round_ * 100, 100):
            producer.produce(topic, payload)
        producer.flush(30)
        getattr(producer, f"{end}_transaction")(30)
    committed = [i for first in (0, 200, 500) for i in range(first, first + 100)]
    wait_count(helios, "orders", 300)
    assert ids(helios, "orders") == committed

    # What is still open is not read, and neither is what stands behind it, until it is decided.
    producer.begin_transaction()
    producer.produce(topic, json.dumps({"id": 1000}))
    producer.flush(30)
    kafka.produce(topic, events(2000, 1))
    assert count(helios, "orders") == 300
    producer.commit_transaction(30)
    wait_count(helios, "orders", 302)
    assert ids(helios, "orders") == committed + [1000, 2000]
    assert verified(helios, "orders") == {"received": 302, "stored": 302, "counted": 302, "quarantined": 0, "lost": 0}


def test_new_partitions_are_read_from_their_first_record(helios, kafka, topic):
    kafka.create_topic(topic)
    kafka.produce(topic, events(0, 100))
    create(helios, "orders", kafka, topic, start="latest")
    wait_state(helios, "orders", "running")
    kafka.grow_topic(topic, 4)
    for partition in (1, 2, 3):
        kafka.produce(topic, events(1000 * partition, 100), partition=partition)
    wait_count(helios, "orders", 300, deadline=60)
    partitions = helios.sql("SELECT _partition AS p, count(*) AS n FROM orders GROUP BY 1 ORDER BY 1")
    assert [(row["p"], row["n"]) for row in partitions] == [("1", 100), ("2", 100), ("3", 100)]


def test_records_produced_after_create_are_read_when_starting_at_the_latest(helios, kafka, topic):
    kafka.create_topic(topic, 3)
    for partition in range(3):
        kafka.produce(topic, events(0, 10), partition=partition)
    create(helios, "orders", kafka, topic, start="latest")
    for partition in range(3):
        kafka.produce(topic, events(100 * (partition + 1), 5), partition=partition)
    wait_count(helios, "orders", 15)
    assert ids(helios, "orders") == [*range(100, 105), *range(200, 205), *range(300, 305)]


def test_start_at_a_timestamp(helios, kafka, topic):
    kafka.create_topic(topic)
    hour = 3_600_000
    first = millis("2026-01-01T00:00:00Z")
    kafka.produce(topic, [{"value": payload, "timestamp": first + i * hour} for i, payload in enumerate(events(0, 10))])
    create(helios, "orders", kafka, topic, start="2026-01-01T05:00:00Z")
    wait_count(helios, "orders", 5)
    assert ids(helios, "orders") == [5, 6, 7, 8, 9]


def test_columns_are_inferred_from_a_sample(helios, kafka, topic):
    kafka.create_topic(topic, 2)
    record = {"id": 7, "price": 9.5, "paid": True, "at": "2026-11-21T10:00:00Z", "cart": {"n": 2, "tags": ["a", "b"]}}
    kafka.produce(topic, [json.dumps(record | {"id": i}).encode() for i in range(50)], partition=1)
    answer = create(helios, "orders", kafka, topic, columns="")
    assert "price" in json.dumps(answer), "CREATE STREAM answers with the schema it inferred"
    wait_count(helios, "orders", 50)
    types = {row["column"]: row["type"] for row in helios.sql("DESCRIBE orders")}
    assert [types[name].split(" ")[0] for name in ("id", "price", "paid", "at")] == ["BIGINT", "DOUBLE", "BOOLEAN", "TIMESTAMP"]
    [row] = helios.sql("SELECT price, paid, cart['n'] AS n, cart['tags'][2] AS tag FROM orders WHERE id = 7")
    assert row == {"price": 9.5, "paid": True, "n": 2, "tag": "b"}


# Getting in.

LOGINS = [
    ("PLAINTEXT", None),
    ("SASL", "PLAIN"),
    ("SASL", "SCRAM-SHA-256"),
    ("SASL", "SCRAM-SHA-512"),
    ("SASLSSL", "PLAIN"),
    ("SASLSSL", "SCRAM-SHA-256"),
    ("SASLSSL", "SCRAM-SHA-512"),
    ("TLS", None),
    ("MUTUAL", None),
]


def test_every_way_in_works(helios, kafka, topic):
    kafka.create_topic(topic)
    kafka.produce(topic, events(0, 10))
    for i, (listener, mechanism) in enumerate(LOGINS):
        create(helios, f"orders_{i}", kafka, topic, listener=listener, mechanism=mechanism)
    for i, (listener, mechanism) in enumerate(LOGINS):
        wait_count(helios, f"orders_{i}", 10)


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-512"])
def test_a_wrong_password_is_named_and_not_shown(helios, kafka, topic, mechanism):
    wrong = "not-the-password-5513"
    kafka.create_topic(topic)
    kafka.produce(topic, events(0, 10))
    create(helios, "orders", kafka, topic, listener="SASL", mechanism=mechanism)
    wait_count(helios, "orders", 10)

    # A stream that was well goes on as soon as the password is right again.
    restart_with_password(helios, wrong)
    status = wait_state(helios, "orders", "failed", "degraded")
    assert status["cause"] == "authentication_failed" and "sasl_password" in status["hint"], status
    with pytest.raises(Refused) as refused:
        create(helios, "more", kafka, topic, listener="SASL", mechanism=mechanism)
    assert "authentication" in refused.value.body["message"].lower() and "sasl_password" in refused.value.body["hint"]
    assert wrong not in json.dumps(status) + refused.value.text + helios.log.read_text()

    kafka.produce(topic, events(10, 10))
    restart_with_password(helios, PASSWORD)
    wait_count(helios, "orders", 20)


def restart_with_password(helios, password):
    helios.stop()
    helios.env["KAFKA_PASSWORD"] = password
    helios.start()


def test_a_client_without_a_certificate_is_told_so(helios, kafka, topic):
    kafka.create_topic(topic)
    with pytest.raises(Refused) as refused:
        create(helios, "orders", kafka, topic, listener="TLS", brokers=kafka.address("MUTUAL"))
    assert "certificate" in refused.value.body["message"] and "certificate" in refused.value.body["hint"]


def test_a_broker_with_a_certificate_of_a_stranger_is_refused(helios, kafka, topic):
    kafka.create_topic(topic)
    stranger = kafka.certificates / "client.crt"
    with pytest.raises(Refused) as refused:
        create(helios, "orders", kafka, topic, listener="TLS", ssl_ca_location=str(stranger))
    assert "certificate" in refused.value.body["message"] and "ssl_ca_location" in refused.value.body["hint"]


def test_a_missing_topic_is_an_error_that_names_it(helios, kafka):
    with pytest.raises(Refused) as refused:
        create(helios, "orders", kafka, "no-such-topic", columns="")
    assert refused.value.status in (400, 404, 503)
    assert "no-such-topic" in refused.value.body["message"] and refused.value.body["hint"]


def test_an_unreachable_broker_is_an_error_that_names_it(helios, kafka, topic):
    with pytest.raises(Refused) as refused:
        create(helios, "orders", kafka, topic, columns="", brokers="127.0.0.1:1")
    assert refused.value.status == 503
    assert "127.0.0.1:1" in refused.value.body["message"] and refused.value.body["hint"]


def test_secrets_are_never_shown(helios_folder, kafka, topic):
    kafka.create_topic(topic)
    kafka.produce(topic, events(0, 10))
    with Helios(helios_folder) as helios:
        (helios.data / "secrets").mkdir(exist_ok=True)
        (helios.data / "secrets" / "shop").write_text(PASSWORD)
        create(helios, "orders", kafka, topic, listener="SASL", sasl_password="SECRET 'shop'")
        wait_count(helios, "orders", 10)

        with pytest.raises(Refused) as refused:
            create(helios, "more", kafka, topic, listener="SASL", sasl_password=PASSWORD)
        assert refused.value.status == 400 and "sasl_password" in refused.value.text and PASSWORD not in refused.value.text

        shown = json.dumps(helios.sql("SHOW CREATE STREAM orders"))
        assert "SECRET 'shop'" in shown
        for table in ("streams", "partitions", "commits", "ledger", "quarantine", "files", "queries", "metrics"):
            shown += json.dumps(helios.sql(f"SELECT * FROM system.{table}"))
        for path in ("/metrics", "/api/v1/streams", "/api/v1/verify"):
            shown += helios.request("GET", path).text
        assert PASSWORD not in shown.replace("sasl_password = 'correct-horse-battery'", PASSWORD)
        assert PASSWORD not in helios.log.read_text()
        kept = [path for path in helios.data.rglob("*") if path.is_file() and path.parent.name != "secrets"]
        assert not [path for path in kept if PASSWORD.encode() in path.read_bytes()]


# Trouble.


def test_a_broker_restart_mid_stream_loses_and_doubles_nothing(helios, kafka, topic):
    kafka.create_topic(topic, 2)
    create(helios, "orders", kafka, topic)
    kafka.produce(topic, events(0, 1000))
    wait_count(helios, "orders", 1000)
    for i, end in enumerate([kafka.stop, kafka.kill]):
        end()
        status = wait_state(helios, "orders", "degraded")
        assert status["cause"] == "broker_down" and status["message"] and status["hint"], status
        kafka.start()
        kafka.produce(topic, events(1000 * (i + 1), 1000))
        wait_count(helios, "orders", 1000 * (i + 2), deadline=10)
        wait_state(helios, "orders", "running")
    assert ids(helios, "orders") == list(range(3000))
    assert verified(helios, "orders")["lost"] == 0


def test_helios_starts_before_the_broker(helios, kafka, topic):
    kafka.create_topic(topic)
    kafka.produce(topic, events(0, 10))
    create(helios, "orders", kafka, topic)
    wait_count(helios, "orders", 10)
    helios.stop()
    kafka.produce(topic, events(10, 10))
    kafka.stop()
    helios.start()
    wait_state(helios, "orders", "degraded")
    assert count(helios, "orders") == 10
    kafka.start()
    wait_count(helios, "orders", 20)


def test_a_deleted_topic_is_a_named_state(helios, kafka, topic):
    for name in (topic, topic + "-other"):
        kafka.create_topic(name)
        kafka.produce(name, events(0, 10))
    create(helios, "orders", kafka, topic)
    create(helios, "others", kafka, topic + "-other")
    wait_count(helios, "orders", 10)
    kafka.delete_topic(topic)
    status = wait_state(helios, "orders", "degraded", "failed")
    assert status["cause"] == "topic_deleted" and topic in status["message"] and status["hint"], status
    assert count(helios, "orders") == 10
    kafka.produce(topic + "-other", events(10, 10))
    wait_count(helios, "others", 20)


def test_records_lost_to_retention_leave_a_row_in_the_ledger(helios, kafka, topic):
    kafka.create_topic(topic)
    kafka.produce(topic, events(0, 100))
    create(helios, "orders", kafka, topic)
    wait_count(helios, "orders", 100)
    helios.sql("PAUSE STREAM orders")
    wait_state(helios, "orders", "paused")
    kafka.produce(topic, events(100, 100))
    kafka.delete_records(topic, {0: 150})
    helios.sql("RESUME STREAM orders")
    wait_count(helios, "orders", 150)
    assert ids(helios, "orders") == [*range(100), *range(150, 200)]
    [gap] = helios.sql("SELECT * FROM system.ledger WHERE stream = 'orders' AND gap IS NOT NULL")
    assert (gap["partition"], gap["first"], gap["last"], gap["n_lost"]) == ("0", "100", "149", 50) and gap["gap"]
    assert verified(helios, "orders") == {"received": 150, "stored": 150, "counted": 150, "quarantined": 0, "lost": 50}
    wait_state(helios, "orders", "running")


def test_bad_json_goes_to_quarantine_with_its_position(helios, kafka, topic):
    kafka.create_topic(topic)
    poison = [b'{"id": 0}', b'{"id": ', b"not json", b'{"id": "text"}', b"", b"\xff\xfe", b'{"id": 6}']
    kafka.produce(topic, poison)
    create(helios, "orders", kafka, topic)
    wait_count(helios, "orders", 2)
    assert ids(helios, "orders") == [0, 6]
    bad = helios.sql("SELECT * FROM system.quarantine WHERE stream = 'orders' ORDER BY position")
    assert [(row["partition"], row["position"]) for row in bad] == [("0", str(i)) for i in range(1, 6)]
    assert all(row["reason"] for row in bad) and bad[2]["path"] == "id"
    sums = verified(helios, "orders")
    assert (sums["received"], sums["stored"], sums["quarantined"]) == (7, 2, 5)


def test_a_record_larger_than_the_limit_stops_the_stream_until_the_limit_is_raised(helios, kafka, topic):
    kafka.create_topic(topic, max_message_bytes=8 << 20)
    large = json.dumps({"id": 1, "pad": "x" * (4 << 20)}).encode()
    kafka.produce(topic, [b'{"id": 0}', large, b'{"id": 2}'], **{"message.max.bytes": 8 << 20})
    create(helios, "orders", kafka, topic, message_max_bytes=1 << 20)
    status = wait_state(helios, "orders", "failed", "degraded")
    assert status["cause"] == "message_too_large" and "message_max_bytes" in status["hint"], status
    assert ids(helios, "orders") in ([], [0])
    helios.sql("ALTER STREAM orders SET (message_max_bytes = 8388608)")
    wait_count(helios, "orders", 3)
    assert ids(helios, "orders") == [0, 1, 2]
    wait_state(helios, "orders", "running")
    helios.verify()


def test_pause_and_resume(helios, kafka, topic):
    kafka.create_topic(topic)
    create(helios, "orders", kafka, topic)
    kafka.produce(topic, events(0, 10))
    wait_count(helios, "orders", 10)
    helios.sql("PAUSE STREAM orders")
    wait_state(helios, "orders", "paused")
    kafka.produce(topic, events(10, 10))
    helios.restart()
    assert helios.stream("orders")["state"] == "paused" and count(helios, "orders") == 10
    helios.sql("RESUME STREAM orders")
    wait_count(helios, "orders", 20)


def test_restarts_while_records_flow_continue_exactly_once(helios, kafka, topic):
    kafka.create_topic(topic, 3)
    create(helios, "orders", kafka, topic)
    enough = threading.Event()
    produced = []

    def produce():
        while not enough.is_set():
            kafka.produce(topic, events(1000 * len(produced), 1000))
            produced.append(1000)

    producing = threading.Thread(target=produce)
    producing.start()
    try:
        for _ in range(3):
            before = count(helios, "orders")
            eventually(lambda: count(helios, "orders") > before)
            helios.restart()
    finally:
        enough.set()
        producing.join()
    wait_count(helios, "orders", sum(produced))
    assert ids(helios, "orders") == list(range(sum(produced)))
    helios.verify()


def test_offsets_are_committed_to_the_group_for_lag_tools(helios, kafka, topic):
    kafka.create_topic(topic, 2)
    for partition in (0, 1):
        kafka.produce(topic, events(0, 100 * (partition + 1)), partition=partition)
    create(helios, "orders", kafka, topic)
    create(helios, "copies", kafka, topic, group_id="shop")
    for group in ("helios-orders", "shop"):
        eventually(lambda: kafka.group_offsets(group, topic) == {0: 100, 1: 200}, what=f"offsets of {group}")


def test_sigterm_commits_what_is_open(helios_folder, kafka, topic):
    kafka.create_topic(topic)
    kafka.produce(topic, events(0, 10))
    (helios_folder / "slow.toml").write_text("[ingest]\ncommit_delay_ms = 60000\n")
    with Helios(helios_folder, arguments=["--config", helios_folder / "slow.toml"]) as helios:
        create(helios, "orders", kafka, topic)
        eventually(lambda: helios.sql("SELECT * FROM system.partitions WHERE lag = 0"))
        assert count(helios, "orders") == 0
        helios.stop()
        kafka.stop()  # so that what is there now cannot have been read again
        helios.start()
        assert ids(helios, "orders") == list(range(10))


def test_lag_counts_records_not_yet_read(helios, kafka, topic):
    kafka.create_topic(topic, 2)
    create(helios, "orders", kafka, topic)
    wait_state(helios, "orders", "running")
    kafka.produce(topic, events(0, 100), partition=0)
    wait_count(helios, "orders", 100)
    eventually(lambda: lags(helios) == {"0": 0, "1": 0}, what=f"no lag; {lags(helios)}")
    assert 'helios_lag_records{partition="0",stream="orders"} 0' in helios.request("GET", "/metrics").text


def lags(helios):
    return {row["partition"]: row["lag"] for row in helios.sql("SELECT partition, lag FROM system.partitions")}


# Much.


def test_a_million_records(helios, kafka, topic, figures):
    n = 1_000_000
    kafka.create_topic(topic, 4)
    producing = time.monotonic()
    kafka.produce(topic, shop_events(n), **{"compression.type": "lz4", "queue.buffering.max.messages": 500_000, "linger.ms": 20})
    producing = time.monotonic() - producing

    reading = time.monotonic()
    create(helios, "orders", kafka, topic, SHOP_COLUMNS)
    wait_count(helios, "orders", n, deadline=120)
    reading = time.monotonic() - reading

    [row] = helios.sql("SELECT count(*) AS n, count(DISTINCT order_id) AS ids, min(order_id) AS first, max(order_id) AS last FROM orders")
    assert row == {"n": n, "ids": n, "first": 0, "last": n - 1}
    assert sum(kafka.end_offsets(topic).values()) == n
    assert verified(helios, "orders") == {"received": n, "stored": n, "counted": n, "quarantined": 0, "lost": 0}
    rss = helios.rss_bytes() >> 20
    report = f"{n:,} records of ~280 bytes: produced at {n / producing:,.0f}/s, read at {n / reading:,.0f}/s, {rss} MiB peak"
    figures.append(report)
    assert rss < 1024, report


SHOP_COLUMNS = """(
  order_id BIGINT NOT NULL, timestamp TIMESTAMP, product_id TEXT, price DOUBLE, quantity INT, user_id TEXT, action_type TEXT,
  session_id TEXT, region TEXT, user_type TEXT, category TEXT, brand TEXT, device_type TEXT
)"""


def shop_events(n):
    """Orders numbered from 0: a few hundred templates, so that making them costs less than sending them."""
    actions, regions = ["view", "add_to_cart", "purchase"], ["us-east", "eu-west", "ap-south"]
    templates = []
    for i in range(256):
        rest = {
            "timestamp": f"2026-11-21T10:{i % 60:02}:{i % 59:02}.{i:03}Z",
            "product_id": f"p{i * 37 % 1000:04}",
            "price": 5 + i * 7919 % 50000 / 100,
            "quantity": 1 + i % 5,
            "user_id": f"u{i * 101 % 100000:05}",
            "action_type": actions[i % 3],
            "session_id": f"s{i * 7907 % 1000000:06}",
            "region": regions[i % 3],
            "user_type": "returning",
            "category": "electronics",
            "brand": "acme",
            "device_type": "mobile",
        }
        templates.append(("," + json.dumps(rest, separators=(",", ":"))[1:]).encode())
    return (b'{"order_id":%d%s' % (i, templates[i & 255]) for i in range(n))
