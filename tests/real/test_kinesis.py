"""Streams over two emulators of Amazon Kinesis that know nothing of each other, written to with boto3.

HELIOS_KINESIS_RECORDS (default 30,000) is the number of records in the test of many. HELIOS_MEASURE=1 measures reading beside Kafka.
"""

import gzip
import itertools
import json
import os
import random
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from statistics import median

import pytest

import kinesis as kinesis_server
from helios import BINARY, Helios, Refused
from kinesis import CREDENTIALS, ENVIRONMENT, Emulator, Proxy, aggregate
from streams import count, ids, wait_count, wait_state
from test_kafka import SHOP_COLUMNS, shop_events
from waiting import eventually

RECORDS = int(os.environ.get("HELIOS_KINESIS_RECORDS", 30_000))


def started(name, tmp_path_factory):
    reason = kinesis_server.missing(name)
    if reason:
        pytest.skip(reason)
    return Emulator(name, tmp_path_factory.mktemp(name))


@pytest.fixture(scope="module", params=["kinesalite", "kinesis-local"])
def kinesis(request, tmp_path_factory):
    with started(request.param, tmp_path_factory) as running:
        yield running


@pytest.fixture(scope="module")
def kinesis_local(tmp_path_factory):
    with started("kinesis-local", tmp_path_factory) as running:
        yield running


@pytest.fixture(scope="module")
def kinesalite(tmp_path_factory):
    with started("kinesalite", tmp_path_factory) as running:
        yield running


@pytest.fixture
def helios(helios_folder):
    with Helios(helios_folder, env=ENVIRONMENT) as running:
        yield running


def statement(name, emulator, stream, columns="(id BIGINT)", format="JSON", **options):
    options = {"stream": stream, "endpoint": emulator.endpoint} | options
    written = ", ".join(f"{key} = {value if value.startswith('ENV ') else repr(value)}" for key, value in options.items() if value)
    return f"CREATE STREAM {name} {columns} FROM KINESIS ({written}) FORMAT {format}"


def create(helios, *arguments, **options):
    return helios.sql(statement(*arguments, **options))


def events(first, n):
    return [json.dumps({"id": i}).encode() for i in range(first, first + n)]


def verified(helios, stream):
    parts = [part for part in helios.verify() if part["stream"] == stream]
    return {key: sum(part[key] for part in parts) for key in ("received", "stored", "counted", "quarantined", "lost")}


def positions(helios, stream):
    rows = helios.sql("SELECT partition, position FROM system.partitions WHERE stream = $1", [stream])
    return {row["partition"]: row["position"] for row in rows}


# Reading.


def test_rows_carry_key_shard_and_arrival_time(helios, kinesis, topic):
    kinesis.create_stream(topic, 2)
    before = datetime.now(timezone.utc).timestamp()
    kinesis.put(topic, events(0, 100))
    create(helios, "clicks", kinesis, topic)
    wait_count(helios, "clicks", 100)
    rows = helios.sql("SELECT id, _key, _partition, _time FROM clicks ORDER BY id")
    assert [(row["id"], row["_key"]) for row in rows] == [(i, f"k{i}") for i in range(100)]
    assert {row["_partition"] for row in rows} == {shard["ShardId"] for shard in kinesis.shards(topic)}
    times = [datetime.fromisoformat(row["_time"].replace("Z", "+00:00")).timestamp() for row in rows]
    assert all(before - 1 <= at <= before + 30 for at in times)
    eventually(lambda: helios.value("SELECT max(lag_seconds) AS s FROM system.partitions") == 0)
    assert verified(helios, "clicks") == {"received": 100, "stored": 100, "counted": 100, "quarantined": 0, "lost": 0}


def test_columns_are_inferred_from_a_sample(helios, kinesis, topic):
    kinesis.create_stream(topic, 2)
    record = {"price": 9.5, "paid": True, "at": "2026-11-21T10:00:00Z", "cart": {"n": 2}}
    kinesis.put(topic, [json.dumps({"id": i} | record).encode() for i in range(50)])
    answer = create(helios, "clicks", kinesis, topic, columns="")
    assert "price" in json.dumps(answer), answer
    wait_count(helios, "clicks", 50)
    types = {row["column"]: row["type"] for row in helios.sql("DESCRIBE clicks")}
    assert [types[name].split(" ")[0] for name in ("id", "price", "paid", "at")] == ["BIGINT", "DOUBLE", "BOOLEAN", "TIMESTAMP"]


# kinesalite never answers a question for records since a moment while there are none.
def test_reading_begins_at_the_latest_or_at_a_moment(helios, kinesis_local, topic):
    kinesis_local.create_stream(topic, 2)
    kinesis_local.put(topic, events(0, 10))
    time.sleep(1.1)  # records of the same moment would belong to both sides of it
    moment = datetime.now(timezone.utc).isoformat()
    create(helios, "latest", kinesis_local, topic, start="latest")
    create(helios, "since", kinesis_local, topic, start=moment)
    helios.restart()
    kinesis_local.put(topic, events(100, 5))
    for stream in ("latest", "since"):
        wait_count(helios, stream, 5)
        assert ids(helios, stream) == list(range(100, 105))


def test_pause_resume_and_restart(helios, kinesis, topic):
    kinesis.create_stream(topic, 2)
    create(helios, "clicks", kinesis, topic)
    kinesis.put(topic, events(0, 10))
    wait_count(helios, "clicks", 10)
    helios.sql("PAUSE STREAM clicks")
    wait_state(helios, "clicks", "paused")
    kinesis.put(topic, events(10, 10))
    helios.restart()
    assert helios.stream("clicks")["state"] == "paused" and count(helios, "clicks") == 10
    helios.sql("RESUME STREAM clicks")
    wait_count(helios, "clicks", 20)
    helios.restart()
    kinesis.put(topic, events(20, 10))
    wait_count(helios, "clicks", 30)
    assert ids(helios, "clicks") == list(range(30))


def test_bad_json_goes_to_quarantine_with_its_sequence_number(helios, kinesis, topic):
    kinesis.create_stream(topic)
    kinesis.put(topic, [b'{"id": 0}', b"not json", b'{"id": 2}'])
    create(helios, "clicks", kinesis, topic)
    wait_count(helios, "clicks", 2)
    [bad] = helios.sql("SELECT * FROM system.quarantine WHERE stream = 'clicks'")
    assert bad["partition"] == kinesis.shards(topic)[0]["ShardId"] and len(bad["position"]) >= 50, bad
    assert verified(helios, "clicks")["quarantined"] == 1


# Resharding.


def test_children_are_read_after_their_parents_in_any_depth_also_while_nobody_reads(helios, kinesis, topic):
    kinesis.create_stream(topic, 2)
    create(helios, "clicks", kinesis, topic)
    kinesis.put(topic, events(0, 100))
    wait_count(helios, "clicks", 100)
    helios.stop()
    # Each step leaves records in the shards that it closes.
    n = 100
    for step in ("split", "split", "merge", "split", "merge"):
        shards = kinesis.open_shards(topic)
        if step == "split":
            kinesis.split(topic, shards[0])
        else:
            kinesis.merge(topic, shards[0], shards[1])
        kinesis.put(topic, events(n, 100))
        n += 100
    helios.start()
    wait_count(helios, "clicks", n, deadline=60)
    assert ids(helios, "clicks") == list(range(n))
    closed = {shard["ShardId"] for shard in kinesis.shards(topic)} - {shard["ShardId"] for shard in kinesis.open_shards(topic)}
    eventually(lambda: {shard for shard, position in positions(helios, "clicks").items() if position == "closed"} == closed)
    assert verified(helios, "clicks") == {"received": n, "stored": n, "counted": n, "quarantined": 0, "lost": 0}
    # Commits tell the order: no row of a child before the last row of its parents.
    spans = helios.sql("SELECT _partition AS shard, min(_commit) AS first, max(_commit) AS last FROM clicks GROUP BY 1")
    spans = {row["shard"]: (row["first"], row["last"]) for row in spans}
    for shard in kinesis.shards(topic):
        for parent in filter(None, (shard.get("ParentShardId"), shard.get("AdjacentParentShardId"))):
            if parent in spans and shard["ShardId"] in spans:
                assert spans[parent][1] <= spans[shard["ShardId"]][0], (shard, spans)


class Writer(threading.Thread):
    """Puts numbered records until it is told to stop."""

    def __init__(self, emulator, stream, enough):
        super().__init__(name="writer")
        self.emulator, self.stream, self.enough = emulator, stream, enough
        self.n_put = 0
        self.wrong = None

    def run(self):
        client = self.emulator.client()
        try:
            while not self.enough.is_set():
                self.emulator.put(self.stream, events(self.n_put, 50), client=client)
                self.n_put += 50
        except Exception as wrong:  # told to the test
            self.wrong = wrong


def test_kill_9_while_resharding_loses_and_doubles_nothing(helios, kinesis, topic, figures):
    dice = random.Random(7)
    kinesis.create_stream(topic, 2)
    create(helios, "clicks", kinesis, topic)
    enough = threading.Event()
    writer = Writer(kinesis, topic, enough)
    writer.start()
    n_kills, n_reshards = 0, 0
    try:
        for _ in range(12):
            shards = kinesis.open_shards(topic)
            if len(shards) < 3 or len(shards) < 7 and dice.random() < 0.5:
                kinesis.split(topic, dice.choice(shards))
            else:
                i = dice.randrange(len(shards) - 1)
                kinesis.merge(topic, shards[i], shards[i + 1])
            n_reshards += 1
            if dice.random() < 0.6:
                time.sleep(dice.uniform(0, 0.4))  # the random moment
                helios.kill9()
                n_kills += 1
                helios.start()
    finally:
        enough.set()
        writer.join()
    assert writer.wrong is None, writer.wrong
    wait_count(helios, "clicks", writer.n_put, deadline=90)
    [row] = helios.sql("SELECT count(*) AS n, count(DISTINCT id) AS ids, min(id) AS first, max(id) AS last FROM clicks")
    assert row == {"n": writer.n_put, "ids": writer.n_put, "first": 0, "last": writer.n_put - 1}
    n = writer.n_put
    assert verified(helios, "clicks") == {"received": n, "stored": n, "counted": n, "quarantined": 0, "lost": 0}
    figures.append(f"{kinesis.name}: {n_kills} kills during {n_reshards} splits and merges, {n:,} records, each stored exactly once")


# What is in a record.


def test_aggregates_are_taken_apart(helios, kinesis, topic):
    kinesis.create_stream(topic)
    packed = [aggregate([(f"user{i}", payload) for i, payload in enumerate(events(first, 100))]) for first in (0, 100, 200)]
    kinesis.put(topic, [*packed, b'{"id": 300}'])
    create(helios, "clicks", kinesis, topic)
    wait_count(helios, "clicks", 301)
    helios.kill9()
    helios.start()
    kinesis.put(topic, [aggregate([("late", b'{"id": 301}')])])
    wait_count(helios, "clicks", 302)
    assert ids(helios, "clicks") == list(range(302))
    keys = {row["id"]: row["_key"] for row in helios.sql("SELECT id, _key FROM clicks WHERE id IN (7, 107, 301)")}
    assert keys == {7: "user7", 107: "user7", 301: "late"}


def test_log_events_of_a_subscription_become_rows(helios, kinesis, topic):
    kinesis.create_stream(topic)
    envelope = {"owner": "123456789012", "logGroup": "/aws/lambda/shop", "logStream": "2026/11/21/a", "subscriptionFilters": ["all"]}
    log = [{"id": str(i), "timestamp": 1795276800000 + i, "message": f"line {i}"} for i in range(3)]
    data = envelope | {"messageType": "DATA_MESSAGE", "logEvents": log}
    control = envelope | {"messageType": "CONTROL_MESSAGE", "logEvents": [{"id": "", "timestamp": 0, "message": "CWL CONTROL MESSAGE"}]}
    kinesis.put(topic, [gzip.compress(json.dumps(record).encode()) for record in (control, data)] + [b"\x1f\x8b\x08broken"])
    create(helios, "logs", kinesis, topic, columns="", format="CLOUDWATCH_LOGS")
    wait_count(helios, "logs", 4)
    rows = helios.sql("SELECT message, log_group, timestamp FROM logs WHERE message_type = 'DATA_MESSAGE' ORDER BY timestamp")
    assert [(row["message"], row["log_group"]) for row in rows] == [(f"line {i}", "/aws/lambda/shop") for i in range(3)]
    eventually(lambda: verified(helios, "logs") == {"received": 5, "stored": 4, "counted": 4, "quarantined": 1, "lost": 0})


# Getting in, and trouble.


def test_what_is_wrong_has_a_name(helios, kinesis, topic):
    with pytest.raises(Refused) as refused:
        create(helios, "clicks", kinesis, "no-such-stream")
    assert refused.value.status == 404 and "no-such-stream" in refused.value.body["message"] and refused.value.body["hint"]
    with pytest.raises(Refused) as refused:
        create(helios, "clicks", kinesis, topic, endpoint="http://127.0.0.1:1")
    assert refused.value.status == 503 and "127.0.0.1:1" in refused.value.body["message"] and refused.value.body["hint"]
    kinesis.create_stream(topic)
    kinesis.put(topic, events(0, 10))
    create(helios, "clicks", kinesis, topic)
    wait_count(helios, "clicks", 10)
    kinesis.delete_stream(topic)
    status = wait_state(helios, "clicks", "failed")
    assert status["cause"] in ("stream_missing", "shard_missing") and topic in status["message"] and status["hint"], status
    assert count(helios, "clicks") == 10


def test_an_emulator_that_goes_and_comes_back_is_a_named_state(helios, kinesalite, topic, tmp_path):
    with Emulator("kinesalite", tmp_path) as own:
        own.create_stream(topic)
        create(helios, "clicks", own, topic)
        own.put(topic, events(0, 10))
        wait_count(helios, "clicks", 10)
        own.stop()
        status = wait_state(helios, "clicks", "degraded")
        assert status["cause"] == "endpoint_unreachable" and status["hint"], status


REFUSALS = [
    ("AccessDeniedException", "User: x is not authorized to perform: kinesis:GetRecords on resource: stream/clicks", "access_denied"),
    ("KMSAccessDeniedException", "The ciphertext refers to a key you may not use", "kms_denied"),
    ("ExpiredTokenException", "The security token included in the request is expired", "credentials_expired"),
    ("UnrecognizedClientException", "The security token included in the request is invalid", "credentials_refused"),
]


def test_refusals_are_named_states_that_heal(helios, kinesalite, topic):
    kinesalite.create_stream(topic)
    with Proxy(kinesalite) as proxy:
        create(helios, "clicks", kinesalite, topic, endpoint=proxy.endpoint)
        for i, (code, message, cause) in enumerate(REFUSALS):
            proxy.refuse("GetRecords", code, message)
            status = eventually(lambda: (row := helios.stream("clicks"))["cause"] == cause and row)
            assert status["state"] == "failed" and message in status["message"] and status["hint"], status
            proxy.refuse_nothing()
            kinesalite.put(topic, events(i * 10, 10))
            wait_count(helios, "clicks", (i + 1) * 10, deadline=60)
            wait_state(helios, "clicks", "running")
    assert CREDENTIALS["AWS_SECRET_ACCESS_KEY"] not in helios.log.read_text()


def test_throttling_and_expired_iterators_cost_time_and_no_record(helios, kinesalite, topic):
    kinesalite.create_stream(topic, 2)
    with Proxy(kinesalite) as proxy:
        create(helios, "clicks", kinesalite, topic, endpoint=proxy.endpoint)
        proxy.refuse("GetRecords", "ProvisionedThroughputExceededException", "Rate exceeded", times=4)
        proxy.refuse("GetRecords", "ExpiredIteratorException", "Iterator expired", times=4)
        kinesalite.put(topic, events(0, 1000))
        wait_count(helios, "clicks", 1000)
        proxy.refuse("GetRecords", "ProvisionedThroughputExceededException", "Rate exceeded")
        status = wait_state(helios, "clicks", "degraded", deadline=90)
        assert status["cause"] == "throttled" and "fan_out" in status["hint"], status
        proxy.refuse_nothing()
        kinesalite.put(topic, events(1000, 1000))
        wait_count(helios, "clicks", 2000, deadline=60)
        wait_state(helios, "clicks", "running")
    assert ids(helios, "clicks") == list(range(2000))


def test_secrets_can_be_named_and_are_never_shown(helios_folder, kinesalite, topic):
    secret = "the-secret-key-5513"
    kinesalite.create_stream(topic)
    kinesalite.put(topic, events(0, 10))
    bare = {"AWS_EC2_METADATA_DISABLED": "true", "AWS_REGION": "", "KEY_ID": "helios", "KEY": secret}
    with Helios(helios_folder, env=bare) as helios:
        with pytest.raises(Refused) as refused:
            create(helios, "clicks", kinesalite, topic, region="eu-west-1")
        assert "access_key_id" in refused.value.body["hint"], refused.value.body
        keys = {"access_key_id": "ENV 'KEY_ID'", "secret_access_key": "ENV 'KEY'", "region": "eu-west-1"}
        create(helios, "clicks", kinesalite, topic, **keys)
        wait_count(helios, "clicks", 10)
        shown = json.dumps(helios.sql("SHOW CREATE STREAM clicks")) + helios.log.read_text()
        assert "ENV 'KEY'" in shown and secret not in shown


def test_the_checks_go_step_by_step(helios, kinesis, topic):
    kinesis.create_stream(topic, 3)
    kinesis.put(topic, events(0, 10))

    def checked(stream, **options):
        text = statement("x", kinesis, stream, columns="", **options)
        response = helios.request("POST", "/api/v1/streams/test", json={"statement": text})
        return {check["check"]: check for check in map(json.loads, response.text.splitlines())}

    assert {name: check["state"] for name, check in checked(topic).items()} == {
        "dns": "ok", "tcp": "ok", "tls": "skipped", "login": "ok", "metadata": "ok", "read": "ok", "decode": "ok",
    }
    missing = checked("no-such-stream")
    assert missing["metadata"]["state"] == "failed" and "no-such-stream" in missing["metadata"]["message"]
    away = checked(topic, endpoint="http://127.0.0.1:1")
    assert away["tcp"]["state"] == "failed" and away["tcp"]["hint"]

    body = {"statement": statement("x", kinesis, None, columns="")}
    topics = helios.request("POST", "/api/v1/streams/topics", json=body).json()["topics"]
    assert {"name": topic, "n_partitions": 3, "n_records": None} in topics
    body = {"statement": statement("x", kinesis, topic, columns=""), "limit": 4}
    sample = helios.request("POST", "/api/v1/streams/sample", json=body).json()
    assert sample["format"] == "json" and len(sample["records"]) == 4 and sample["records"][0]["key"].startswith("k")


# Pushed records. kinesis-local never tells a subscriber that a shard has ended: splits with pushed records are tried on a
# scripted service, in the tests of the crate.


def test_pushed_records_are_read_and_the_consumer_goes_with_the_stream(helios, kinesis_local, topic):
    kinesis_local.create_stream(topic, 2)
    client = kinesis_local.client()
    arn = client.describe_stream_summary(StreamName=topic)["StreamDescriptionSummary"]["StreamARN"]
    create(helios, "clicks", kinesis_local, topic, mode="fan_out")
    kinesis_local.put(topic, events(0, 200))
    wait_count(helios, "clicks", 200)
    assert [consumer["ConsumerName"] for consumer in client.list_stream_consumers(StreamARN=arn)["Consumers"]] == ["helios-clicks"]
    helios.kill9()
    kinesis_local.put(topic, events(200, 200))
    helios.start()
    wait_count(helios, "clicks", 400, deadline=60)
    kinesis_local.put(topic, events(400, 200))
    wait_count(helios, "clicks", 600, deadline=60)
    assert ids(helios, "clicks") == list(range(600))
    assert "is polled" not in helios.log.read_text()
    helios.sql("DROP STREAM clicks")
    eventually(lambda: client.list_stream_consumers(StreamARN=arn)["Consumers"] == [])


def test_where_pushing_is_refused_records_are_polled(helios, kinesalite, topic):
    kinesalite.create_stream(topic)
    create(helios, "clicks", kinesalite, topic, mode="fan_out")
    kinesalite.put(topic, events(0, 100))
    wait_count(helios, "clicks", 100)
    assert "its shards are polled" in helios.log.read_text()


# Much.


@pytest.mark.timeout(180 + RECORDS // 500)
@pytest.mark.parametrize("name, n_packed", [("kinesalite", 1), ("kinesis-local", 250)])
def test_many_records_each_once(helios, tmp_path_factory, topic, figures, name, n_packed):
    """Plain records of the fast emulator; aggregates, which are fewer calls, of the slow one."""
    with started(name, tmp_path_factory) as kinesis:
        kinesis.create_stream(topic, 8)
        create(helios, "orders", kinesis, topic, columns=SHOP_COLUMNS)

        def put(payloads):
            if n_packed > 1:
                # As producers do, all records of an aggregate belong to its shard.
                payloads = [aggregate([(f"k{i}", payload) for payload in some]) for i, some in enumerate(batched(payloads, n_packed))]
            kinesis.put(topic, payloads)

        began = time.monotonic()
        with ThreadPoolExecutor(4) as writers:
            # A call takes 500 records, and five megabytes.
            for written in [writers.submit(put, some) for some in batched(shop_events(RECORDS), 500 if n_packed == 1 else 10_000)]:
                written.result()
        written = time.monotonic() - began
        wait_count(helios, "orders", RECORDS, deadline=180 + RECORDS // 1000)
        took = time.monotonic() - began
        [row] = helios.sql("SELECT count(*) AS n, count(DISTINCT order_id) AS ids, min(order_id) AS first, max(order_id) AS last FROM orders")
        assert row == {"n": RECORDS, "ids": RECORDS, "first": 0, "last": RECORDS - 1}
        n = RECORDS
        assert verified(helios, "orders") == {"received": n, "stored": n, "counted": n, "quarantined": 0, "lost": 0}
    rss = helios.rss_bytes() >> 20
    packed = f" in aggregates of {n_packed}" if n_packed > 1 else ""
    figures.append(f"{name}: {n:,} records of ~280 bytes{packed}: written at {n / written:,.0f}/s, all there {took - written:.1f} s later, {rss} MiB peak")
    assert rss < 1024


def batched(iterable, n):
    iterator = iter(iterable)
    return iter(lambda: list(itertools.islice(iterator, n)), [])


@pytest.mark.timeout(1800)
@pytest.mark.skipif(not os.environ.get("HELIOS_MEASURE"), reason="a measurement: HELIOS_MEASURE=1")
def test_how_fast_it_is_read_beside_kafka(kafka, kinesalite, topic, tmp_path, figures):
    n, n_rounds = 100_000, 5
    kinesalite.create_stream(topic, 16)
    for some in batched(shop_events(n), 500):
        kinesalite.put(topic, some)
    kafka.create_topic(topic, 16)
    kafka.produce(topic, shop_events(n))
    sources = {
        "kinesis": ["--stream", topic, "--endpoint", kinesalite.endpoint],
        "kafka": ["--brokers", kafka.client()["bootstrap.servers"], "--topic", topic],
    }
    rounds = {name: [] for name in sources}
    for name in list(sources) * n_rounds:  # in turns, so that both meet the same machine
        before = os.times()
        command = [BINARY, "bench", name, *sources[name], "--events", str(n), "--columns", SHOP_COLUMNS, "--json", tmp_path / "figures.json"]
        subprocess.run(list(map(str, command)), env=os.environ | ENVIRONMENT, check=True, capture_output=True)
        after = os.times()
        cpu = after.children_user + after.children_system - before.children_user - before.children_system
        rounds[name].append((json.loads((tmp_path / "figures.json").read_text())[0]["value"], cpu))
    for name, measured in rounds.items():
        rates, cpus = zip(*measured)
        figures.append(
            f"helios bench {name}, {n:,} shop events, 16 parts: median of {n_rounds} {median(rates):,.0f} events/s ({min(rates):,.0f} to {max(rates):,.0f}), "
            f"{median(cpus):.1f} s of CPU; load {os.getloadavg()[0]:.1f}"
        )


def test_two_hundred_idle_shards_cost_little(helios, kinesalite, topic, figures):
    kinesalite.create_stream(topic, 200)
    create(helios, "clicks", kinesalite, topic)
    kinesalite.put(topic, events(0, 2000))
    wait_count(helios, "clicks", 2000, deadline=60)
    time.sleep(10)  # until every shard is left alone for the longest time
    began, before = time.monotonic(), cpu_seconds(helios)
    time.sleep(10)  # what is measured
    share = (cpu_seconds(helios) - before) / (time.monotonic() - began)
    figures.append(f"200 idle Kinesis shards: {share:.1%} of one core, {helios.rss_bytes() >> 20} MiB peak")
    assert share < 0.25, share


def cpu_seconds(helios):
    fields = open(f"/proc/{helios.process.pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# Without keys: Firehose and Lambda bring the records.


def delivery(request_id, payloads):
    import base64

    records = [{"data": base64.b64encode(payload).decode()} for payload in payloads]
    return {"requestId": request_id, "timestamp": 1578090901599, "records": records}


def test_firehose_deliveries_are_stored_once(helios):
    helios.sql("CREATE STREAM clicks (id BIGINT) FROM HTTP")
    for attempt in range(3):
        for request in ("a", "b"):
            payloads = events(0 if request == "a" else 10, 10)
            body = gzip.compress(json.dumps(delivery(request, payloads)).encode())
            headers = {"X-Amz-Firehose-Request-Id": request, "Content-Type": "application/json", "Content-Encoding": "gzip"}
            response = helios.request("POST", "/v1/streams/clicks/firehose", data=body, headers=headers)
            assert response.status_code == 200 and response.json()["requestId"] == request, response.text
            assert isinstance(response.json()["timestamp"], int)
        if attempt == 1:
            helios.kill9()
            helios.start()
    assert ids(helios, "clicks") == list(range(20))
    # Lines in one record, and one that is no JSON.
    body = delivery("c", [b'{"id": 20}\n{"id": 21}\n', b"no json"])
    assert helios.request("POST", "/v1/streams/clicks/firehose", json=body).status_code == 200
    assert ids(helios, "clicks") == list(range(22)) and verified(helios, "clicks")["quarantined"] == 1


def test_lambda_batches_are_stored_once_with_keys_and_times(helios):
    import base64

    helios.sql("CREATE STREAM clicks (id BIGINT) FROM HTTP")

    def record(i, payload):
        kinesis = {"partitionKey": f"k{i}", "sequenceNumber": f"4959{i:052}", "data": base64.b64encode(payload).decode()}
        kinesis["approximateArrivalTimestamp"] = 1545084650.987
        return {"kinesis": kinesis, "eventID": f"shardId-000000000006:4959{i:052}", "eventSource": "aws:kinesis"}

    batch = {"Records": [record(i, payload) for i, payload in enumerate(events(0, 10))]}
    batch["Records"].append(record(10, aggregate([("u1", b'{"id": 10}'), ("u2", b'{"id": 11}')])))
    for _ in range(2):
        response = helios.request("POST", "/v1/streams/clicks/lambda", json=batch)
        assert response.status_code == 200 and response.json() == {"batchItemFailures": []}, response.text
    assert ids(helios, "clicks") == list(range(12))
    [row] = helios.sql("SELECT _key, _time FROM clicks WHERE id = 11")
    assert row["_key"] == "u2" and row["_time"].startswith("2018-12-17T22:10:50.987"), row
    helios.sql("PAUSE STREAM clicks")
    response = helios.request("POST", "/v1/streams/clicks/lambda", json={"Records": [record(20, b'{"id": 20}')]})
    assert response.json() == {"batchItemFailures": [{"itemIdentifier": f"4959{20:052}"}]}
