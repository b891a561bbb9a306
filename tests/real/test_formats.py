"""Formats over a real Kafka and a real schema registry, written by serializers that are not ours."""

import base64
import gzip
import json
import threading
from datetime import date, datetime, timezone
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import msgpack
import pytest
import requests
from confluent_kafka.schema_registry import SchemaReference
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.schema_registry.json_schema import JSONSerializer
from confluent_kafka.schema_registry.protobuf import ProtobufSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, timestamp_pb2

import registry as registry_server
from helios import Helios
from streams import create, ids, wait_count, wait_state
from waiting import eventually

NEW_YEAR = datetime(2026, 1, 1, tzinfo=timezone.utc)


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    reason = registry_server.missing()
    if reason:
        pytest.skip(reason)
    with registry_server.Registry(tmp_path_factory.mktemp("registry") / "registry.log") as running:
        yield running


@pytest.fixture
def registry(running):
    """The running registry. A test may stop it; the next one finds it running again, empty."""
    if running.process is None:
        running.start()
    yield running


def written(serializer, topic, values):
    context = SerializationContext(topic, MessageField.VALUE)
    return [serializer(value, context) for value in values]


def quarantined(helios, stream):
    return helios.sql("SELECT reason, path FROM system.quarantine WHERE stream = $1 ORDER BY 1", [stream])


ORDER = {
    "type": "record",
    "name": "Order",
    "namespace": "shop",
    "fields": [
        {"name": "id", "type": "long"},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "day", "type": {"type": "int", "logicalType": "date"}},
        {"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 2}},
        {"name": "status", "type": {"type": "enum", "name": "Status", "symbols": ["NEW", "PAID"]}},
        {"name": "note", "type": ["null", "string"], "default": None},
        {"name": "lines", "type": {"type": "array", "items": {"type": "record", "name": "Line", "fields": [
            {"name": "sku", "type": "string"}, {"name": "n", "type": "int"}]}}},
        {"name": "attributes", "type": {"type": "map", "values": "double"}},
    ],
}


def order(i, **more):
    return {
        "id": i, "at": NEW_YEAR, "day": date(2026, 1, 1), "price": Decimal("-12.34"), "status": "PAID",
        "note": None, "lines": [{"sku": "a", "n": 2}], "attributes": {"x": 1.5},
    } | more


def test_avro_columns_come_from_the_registry_and_every_record_has_its_own_schema(helios, kafka, registry, topic):
    kafka.create_topic(topic)
    first = AvroSerializer(registry.client(), json.dumps(ORDER), conf={"auto.register.schemas": True})
    kafka.produce(topic, written(first, topic, [order(1), order(2, note="hello")]))
    create(helios, "orders", kafka, topic, columns="", format=f"AVRO (registry = '{registry.url}')")
    wait_count(helios, "orders", 2)
    shown = helios.sql("SELECT column_name, data_type FROM information_schema.columns WHERE table_name = 'orders' AND column_name NOT LIKE '\\_%'")
    assert [row["column_name"] for row in shown] == [field["name"] for field in ORDER["fields"]]
    [one, two] = helios.sql("SELECT id, at::text AS at, day::text AS day, price::text AS price, status, note, lines[1]['sku'] AS sku, attributes FROM orders ORDER BY id")
    assert one["at"].startswith("2026-01-01T00:00:00") and one["day"] == "2026-01-01" and one["price"] == "-12.34"
    assert (one["status"], one["note"], two["note"], one["sku"], json.loads(one["attributes"])) == ("PAID", None, "hello", "a", {"x": 1.5})

    # A new version of the schema: a field more, one less. The old rows stay, the new field is in _rest.
    second = ORDER | {"fields": [field for field in ORDER["fields"] if field["name"] != "note"] + [{"name": "coupon", "type": "string", "default": ""}]}
    second = AvroSerializer(registry.client(), json.dumps(second))
    value = order(3, coupon="X")
    del value["note"]
    kafka.produce(topic, written(second, topic, [value]))
    wait_count(helios, "orders", 3)
    [row] = helios.sql("SELECT note, _rest FROM orders WHERE id = 3")
    assert row["note"] is None and json.loads(row["_rest"]) == {"coupon": "X"}
    assert quarantined(helios, "orders") == []
    helios.verify()


def test_avro_references_between_schemas(helios, kafka, registry, topic):
    kafka.create_topic(topic)
    money = {"type": "record", "name": "Money", "namespace": "common", "fields": [{"name": "amount", "type": "long"}, {"name": "currency", "type": "string"}]}
    registry.register("common.Money", json.dumps(money))
    text = {"type": "record", "name": "Sale", "fields": [{"name": "id", "type": "int"}, {"name": "total", "type": "common.Money"}]}
    references = [SchemaReference("common.Money", "common.Money", 1)]
    number = registry.register(f"{topic}-value", json.dumps(text), references=references)
    payload = b"\0" + number.to_bytes(4, "big") + b"\x02\x54\x06EUR"
    kafka.produce(topic, [payload])
    create(helios, "sales", kafka, topic, columns="", format=f"AVRO (registry = '{registry.url}')")
    wait_count(helios, "sales", 1)
    assert helios.sql("SELECT id, total['amount'] AS amount, total['currency'] AS currency FROM sales") == [{"id": 1, "amount": 42, "currency": "EUR"}]


def order_message():
    """The class of `shop.Order`, made without a compiler."""
    kinds = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="shop/order.proto", package="shop", syntax="proto3", dependency=["google/protobuf/timestamp.proto"])
    other = file.message_type.add(name="Other")
    other.field.add(name="x", number=1, type=kinds.TYPE_INT32, label=kinds.LABEL_OPTIONAL)
    message = file.message_type.add(name="Order")
    message.enum_type.add(name="Status").value.extend([
        descriptor_pb2.EnumValueDescriptorProto(name="NEW", number=0), descriptor_pb2.EnumValueDescriptorProto(name="PAID", number=1)])
    line = message.nested_type.add(name="Line")
    line.field.add(name="sku", number=1, type=kinds.TYPE_STRING, label=kinds.LABEL_OPTIONAL)
    one, many = kinds.LABEL_OPTIONAL, kinds.LABEL_REPEATED
    message.field.add(name="id", number=1, type=kinds.TYPE_INT64, label=one)
    message.field.add(name="at", number=2, type=kinds.TYPE_MESSAGE, type_name=".google.protobuf.Timestamp", label=one)
    message.field.add(name="status", number=3, type=kinds.TYPE_ENUM, type_name=".shop.Order.Status", label=one)
    message.field.add(name="lines", number=4, type=kinds.TYPE_MESSAGE, type_name=".shop.Order.Line", label=many)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(descriptor_pb2.FileDescriptorProto.FromString(timestamp_pb2.DESCRIPTOR.serialized_pb))
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("shop.Order"))


def test_protobuf_messages_name_their_place_in_the_schema(helios, kafka, registry, topic):
    kafka.create_topic(topic)
    Order = order_message()
    serializer = ProtobufSerializer(Order, registry.client(), {"use.deprecated.format": False})
    values = []
    for i in (1, 2):
        value = Order(id=i, status=1)
        value.at.seconds, value.at.nanos = int(NEW_YEAR.timestamp()), 250_000_000
        value.lines.add(sku=f"sku-{i}")
        values.append(value)
    kafka.produce(topic, written(serializer, topic, values))
    columns = "(id BIGINT, at TIMESTAMP, status TEXT, lines ARRAY<STRUCT<sku TEXT>>)"
    create(helios, "orders", kafka, topic, columns=columns, format=f"PROTOBUF (registry = '{registry.url}')")
    wait_count(helios, "orders", 2)
    rows = helios.sql("SELECT id, at::text AS at, status, lines[1]['sku'] AS sku FROM orders ORDER BY id")
    assert [(row["id"], row["status"], row["sku"]) for row in rows] == [(1, "PAID", "sku-1"), (2, "PAID", "sku-2")]
    assert rows[0]["at"].startswith("2026-01-01T00:00:00.25")

    create(helios, "inferred", kafka, topic, columns="", format=f"PROTOBUF (registry = '{registry.url}', message = 'shop.Order')")
    wait_count(helios, "inferred", 2)
    assert ids(helios, "inferred") == [1, 2]
    helios.verify()


def test_json_schema_quarantines_what_breaks_it(helios, kafka, registry, topic):
    kafka.create_topic(topic)
    schema = {"$schema": "http://json-schema.org/draft-07/schema#", "title": "Order", "type": "object", "required": ["id"],
              "properties": {"id": {"type": "integer", "minimum": 1}, "note": {"type": "string"}}}
    serializer = JSONSerializer(json.dumps(schema), registry.client(), conf={"validate": False})
    kafka.produce(topic, written(serializer, topic, [{"id": 1, "note": "a"}, {"id": 0}, {"note": "b"}, {"id": 2, "more": [1]}]))
    create(helios, "orders", kafka, topic, columns="", format=f"JSON (registry = '{registry.url}')")
    wait_count(helios, "orders", 2)
    assert ids(helios, "orders") == [1, 2]
    eventually(lambda: len(quarantined(helios, "orders")) == 2)
    assert {(row["reason"], row["path"]) for row in quarantined(helios, "orders")} == {
        ('against the JSON Schema: "id" is a required property', ""),
        ("against the JSON Schema: value is less than the minimum of 1", "id"),
    }
    helios.verify()


def test_records_wait_for_an_unknown_schema_and_those_before_them_do_not(helios, kafka, registry, topic):
    kafka.create_topic(topic)
    schema = '{"type":"record","name":"R","fields":[{"name":"id","type":"int"},{"name":"salt","type":"string","default":"%s"}]}'
    known = registry.register(f"{topic}-value", schema % topic)
    payload = lambda number, i: b"\0" + number.to_bytes(4, "big") + bytes([2 * i, 0])
    create(helios, "later", kafka, topic, format=f"AVRO (registry = '{registry.url}')")
    kafka.produce(topic, [payload(known, 1), payload(known + 1, 2), payload(known, 3)])
    status = wait_state(helios, "later", "degraded")
    assert status["cause"] == "schema_unknown" and f"schema {known + 1}" in status["message"] and "Register it" in status["hint"]
    assert quarantined(helios, "later") == []
    assert registry.register(f"{topic}-other", schema % "another") == known + 1
    wait_count(helios, "later", 3)
    wait_state(helios, "later", "running", "catching_up")
    assert ids(helios, "later") == [1, 2, 3]

    # Rubbish that looks like a record of a schema nobody has: put aside only when the user says so.
    kafka.produce(topic, [payload(4_000_000, 9), payload(known, 4)])
    wait_state(helios, "later", "degraded")
    helios.sql(f"ALTER STREAM later SET FORMAT AVRO (registry = '{registry.url}', unknown_schema = 'quarantine')")
    wait_count(helios, "later", 4)
    assert [row["reason"] for row in quarantined(helios, "later")] == ["the registry has no schema 4000000"]
    helios.verify()


def test_nothing_is_bad_while_the_registry_is_down(helios, kafka, registry, topic):
    kafka.create_topic(topic)
    schema = '{"type":"record","name":"R","fields":[{"name":"id","type":"int"}]}'
    registry.stop()
    create(helios, "later", kafka, topic, format=f"AVRO (registry = '{registry.url}')")
    kafka.produce(topic, [b"\0\0\0\0\1" + bytes([2 * i]) for i in range(50)])
    status = wait_state(helios, "later", "degraded")
    assert status["cause"] == "registry_unavailable" and registry.url in status["message"]
    assert quarantined(helios, "later") == []
    registry.start()
    assert registry.register("first", schema) == 1
    wait_count(helios, "later", 50, deadline=60)
    assert ids(helios, "later") == list(range(50))
    assert quarantined(helios, "later") == []
    helios.verify()


def test_a_registry_that_wants_a_login(helios_folder, kafka, registry, topic):
    class Door(BaseHTTPRequestHandler):
        """Lets those in who know the password."""

        def do_GET(self):
            if self.headers.get("Authorization") != "Basic " + base64.b64encode(b"me:opensesame").decode():
                self.send_error(401)
                return
            answer = requests.get(registry.url + self.path, timeout=30)
            self.send_response(answer.status_code)
            self.send_header("content-length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        def log_message(self, *_):
            pass

    door = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    threading.Thread(target=door.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{door.server_port}"
    kafka.create_topic(topic)
    number = registry.register(f"{topic}-value", '{"type":"record","name":"R","fields":[{"name":"id","type":"int"}]}')
    kafka.produce(topic, [b"\0" + number.to_bytes(4, "big") + b"\x02"])
    with Helios(helios_folder, env={"REGISTRY_PASSWORD": "opensesame", "WRONG": "hunter2"}) as helios:
        login = "registry_username = 'me', registry_password = ENV"
        create(helios, "refused", kafka, topic, format=f"AVRO (registry = '{url}', {login} 'WRONG')")
        status = wait_state(helios, "refused", "failed")
        assert status["cause"] == "authentication_failed" and "hunter2" not in json.dumps(status)
        create(helios, "orders", kafka, topic, columns="", format=f"AVRO (registry = '{url}', {login} 'REGISTRY_PASSWORD')")
        wait_count(helios, "orders", 1)
    door.shutdown()


def test_formats_without_a_registry(helios, kafka, topic):
    payloads = {
        "MSGPACK": [msgpack.packb({"id": 1, "at": NEW_YEAR, "tags": ["a"]}, datetime=True)],
        "CSV (delimiter = ';', header = 'id;name')": [b'1;"a;b"'],
        "CSV (header)": [b"name,id\nx,1\n"],
        "TSV (header = 'id\tname')": [b"1\tx, y"],
        "JSON": [gzip.compress(b'{"id": 1}')],
        "MSGPACK (compression = 'gzip')": [gzip.compress(msgpack.packb({"id": 1}))],
    }
    for i, (written_as, records) in enumerate(payloads.items()):
        name = f"{topic}-{i}"
        kafka.create_topic(name)
        kafka.produce(name, [*records, b"\xff\xfe"])
        create(helios, f"s{i}", kafka, name, columns="", format=written_as)
        wait_count(helios, f"s{i}", 1)
        assert ids(helios, f"s{i}") == [1], written_as
        eventually(lambda: len(quarantined(helios, f"s{i}")) == 1)
    kafka.create_topic(topic)
    kafka.produce(topic, [b"GET / 200", "é {\"id\"".encode()])
    create(helios, "lines", kafka, topic, columns="", format="TEXT")
    wait_count(helios, "lines", 2)
    assert [row["line"] for row in helios.sql("SELECT line FROM lines ORDER BY line")] == ["GET / 200", "é {\"id\""]
    helios.verify()
