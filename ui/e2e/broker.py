"""A real Kafka broker with two topics, for the wizard's test: says its address, and ends when its input does.

A line of input, `["topic", {record}]`, produces a record.
"""

import json
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "real"))

from confluent_kafka import Producer  # noqa: E402
from confluent_kafka.admin import AdminClient, NewTopic  # noqa: E402
from kafka import Kafka, missing  # noqa: E402

ORDERS = 300


def order(number):
    """One order; each fiftieth has an amount that is no number."""
    amount = "n/a" if number % 50 == 7 else number * 1.25
    return {"order_id": number, "customer": f"c{number % 9}", "amount": amount, "ts": f"2026-11-21T12:{number // 60 % 60:02}:{number % 60:02}Z"}


def fill(address):
    admin = AdminClient({"bootstrap.servers": address})
    for future in admin.create_topics([NewTopic("orders", 2), NewTopic("empty", 1)]).values():
        future.result()
    producer = Producer({"bootstrap.servers": address})
    for number in range(ORDERS):
        producer.produce("orders", json.dumps(order(number)), key=str(number))
    assert producer.flush(30) == 0, "the broker took every order"


why = missing()
if why is not None:
    print(json.dumps({"missing": why}), flush=True)
    sys.exit()
with tempfile.TemporaryDirectory(prefix="helios-e2e-kafka-") as folder, Kafka(Path(folder)) as broker:
    address = f"127.0.0.1:{broker.ports['PLAINTEXT']}"
    fill(address)
    print(json.dumps({"address": address}), flush=True)
    producer = Producer({"bootstrap.servers": address})
    for line in sys.stdin:
        topic, record = json.loads(line)
        producer.produce(topic, json.dumps(record))
        producer.flush(30)
