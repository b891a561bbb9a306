"""A Kafka cluster looked at before there is a stream: named checks, topics, a sample, a preview."""

import base64
import json

import pytest

from helios import Helios
from place import free_ports
from streams import PASSWORD_ENV, statement

ALL = ["dns", "tcp", "tls", "login", "metadata", "read", "decode"]


@pytest.fixture
def helios(helios_folder):
    with Helios(helios_folder, env=PASSWORD_ENV) as running:
        yield running


def ask(helios, what, text, **more):
    response = helios.request("POST", f"/api/v1/streams/{what}", json={"statement": text} | more)
    return response


def checks(helios, text):
    response = ask(helios, "test", text)
    assert response.status_code == 200, response.text
    told = [json.loads(line) for line in response.text.splitlines()]
    assert [check["check"] for check in told] == ALL
    return {check["check"]: check for check in told}


def states(told):
    return [check["state"] for check in told.values()]


def test_every_check_passes_and_the_steps_that_do_not_apply_are_skipped(helios, kafka, kcat, topic):
    kafka.create_topic(topic, 3)
    kcat("-P", "-t", topic, input=b'{"id": 1}\n')
    told = checks(helios, statement("s", kafka, topic))
    assert states(told) == ["ok", "ok", "skipped", "skipped", "ok", "ok", "ok"], told
    assert told["metadata"]["message"] == f"topic {topic} has 3 partitions"
    assert told["tcp"]["ms"] is not None
    told = checks(helios, statement("s", kafka, topic, listener="SASLSSL"))
    assert states(told) == ["ok"] * 7, told
    assert helios.sql("SHOW STREAMS") == []


def test_a_name_that_nobody_knows_and_a_port_where_nobody_listens(helios, kafka, topic):
    told = checks(helios, statement("s", kafka, topic, brokers="no-such-host.invalid:9092"))
    assert states(told) == ["failed"] + ["skipped"] * 6
    assert "no-such-host.invalid" in told["dns"]["message"] and told["dns"]["hint"]
    [port] = free_ports(1)
    told = checks(helios, statement("s", kafka, topic, brokers=f"127.0.0.1:{port}"))
    assert states(told) == ["ok", "failed"] + ["skipped"] * 5
    assert "refused" in told["tcp"]["message"].lower() and told["tcp"]["hint"]


def test_a_wrong_password_fails_the_login_and_nothing_before_it(helios, kafka, topic):
    kafka.create_topic(topic, 1)
    told = checks(helios, statement("s", kafka, topic, listener="SASL", sasl_username="stranger"))
    assert states(told) == ["ok", "ok", "skipped", "failed", "skipped", "skipped", "skipped"], told
    assert "sasl" in told["login"]["hint"]


def test_an_authority_that_is_not_trusted_fails_tls(helios, kafka, topic):
    kafka.create_topic(topic, 1)
    told = checks(helios, statement("s", kafka, topic, listener="TLS", ssl_ca_location=None))
    assert states(told) == ["ok", "ok", "failed"] + ["skipped"] * 4, told
    assert "ssl_ca_location" in told["tls"]["hint"]


def test_a_topic_that_is_missing_and_one_that_is_empty(helios, kafka, topic):
    told = checks(helios, statement("s", kafka, topic))
    assert states(told) == ["ok", "ok", "skipped", "skipped", "failed", "skipped", "skipped"], told
    assert told["metadata"]["hint"].startswith("Create the topic")
    kafka.create_topic(topic, 1)
    told = checks(helios, statement("s", kafka, topic))
    assert states(told) == ["ok", "ok", "skipped", "skipped", "ok", "ok", "skipped"], told


def test_a_message_that_does_not_fit_fails_the_last_check(helios, kafka, kcat, topic):
    kafka.create_topic(topic, 1)
    kcat("-P", "-t", topic, input=b'{"id": "one"}\n')
    told = checks(helios, statement("s", kafka, topic))
    assert told["decode"]["state"] == "failed" and "id" in told["decode"]["message"]


def test_a_secret_that_is_not_there_is_named_and_options_are_checked(helios, kafka, topic):
    told = checks(helios, statement("s", kafka, topic, listener="SASL", sasl_password="ENV 'NO_SUCH_SECRET'"))
    assert told["dns"]["state"] == "failed" and "NO_SUCH_SECRET" in told["dns"]["message"]
    told = checks(helios, statement("s", kafka, topic, brokres="x"))
    assert told["dns"]["state"] == "failed" and "brokres" in told["dns"]["message"]


def test_topics_are_listed_without_the_option_topic(helios, kafka, kcat, topic):
    kafka.create_topic(topic, 2)
    kcat("-P", "-t", topic, input=b"1\n2\n3\n")
    response = ask(helios, "topics", statement("s", kafka, None))
    assert response.status_code == 200, response.text
    found = {one["name"]: one for one in response.json()["topics"]}
    assert found[topic] == {"name": topic, "n_partitions": 2, "n_records": 3}
    assert not any(name.startswith("__") for name in found)
    [port] = free_ports(1)
    response = ask(helios, "topics", statement("s", kafka, None, brokers=f"127.0.0.1:{port}"))
    assert (response.status_code, response.json()["code"]) == (503, "unavailable")


def test_a_sample_is_the_newest_records_whole(helios, kafka, kcat, topic):
    kafka.create_topic(topic, 2)
    lines = b"".join(b'k%d|{"id": %d}\n' % (i, i) for i in range(50))
    kcat("-P", "-t", topic, "-K", "|", "-H", "source=web", input=lines)
    sample = ask(helios, "sample", statement("s", kafka, topic), limit=10).json()
    assert (sample["format"], sample["why"]) == ("json", "10 of 10 records are JSON objects.")
    assert len(sample["records"]) == 10
    record = sample["records"][0]
    assert record["headers"] == {"source": "web"} and record["encoding"] == "utf8"
    assert record["key"] == f"k{json.loads(record['payload'])['id']}"
    assert record["time"].endswith("Z")
    response = ask(helios, "sample", statement("s", kafka, None))
    assert (response.status_code, response.json()["code"]) == (400, "invalid")


def test_bytes_that_are_no_text_come_as_base64(helios, kafka, topic):
    kafka.create_topic(topic, 1)
    kafka.produce(topic, [b"\xff\xfe\x00"])
    sample = ask(helios, "sample", statement("s", kafka, topic)).json()
    assert sample["format"] == "protobuf"
    assert base64.b64decode(sample["records"][0]["payload"]) == b"\xff\xfe\x00"


def test_a_preview_of_a_sample_is_a_statement_that_works(helios, kafka, kcat, topic):
    kafka.create_topic(topic, 1)
    kcat("-P", "-t", topic, input=b'{"id": 1, "at": "2026-11-21T10:00:00Z"}\n{"id": 2}\n')
    text = statement("s", kafka, topic, columns="")
    payloads = [record["payload"] for record in ask(helios, "sample", text).json()["records"]]
    preview = ask(helios, "preview", text, payloads=payloads).json()
    assert [(column["name"], column["type"], column["seen"]) for column in preview["columns"]] == [
        ("id", "BIGINT", 1.0),
        ("at", "TIMESTAMP", 0.5),
    ]
    assert preview["rejects"] == []
    helios.sql(preview["statement"])
    assert helios.sql("SHOW CREATE STREAM s")[0]["statement"].splitlines()[0] == preview["statement"].splitlines()[0]
