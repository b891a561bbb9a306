"""Statements the tests share: streams over Kafka topics, and what must hold of their tables."""

from kafka import PASSWORD, Kafka
from waiting import eventually

# The environment a Helios needs to log in to the test broker with `ENV 'KAFKA_PASSWORD'`.
PASSWORD_ENV = {"KAFKA_PASSWORD": PASSWORD}


def create(helios, name, kafka: Kafka, topic, columns="(id BIGINT)", clauses="", listener="PLAINTEXT", mechanism="SCRAM-SHA-512", format="JSON", **options):
    """Carries out `statement`."""
    return helios.sql(statement(name, kafka, topic, columns, clauses, listener, mechanism, format, **options))


def statement(name, kafka: Kafka, topic, columns="(id BIGINT)", clauses="", listener="PLAINTEXT", mechanism="SCRAM-SHA-512", format="JSON", **options):
    """CREATE STREAM over a topic, through a listener; `options` add to or replace what the listener needs, or remove it with None."""
    properties = kafka.client(listener, mechanism) | {"topic": topic}
    properties["brokers"] = properties.pop("bootstrap.servers")
    if "sasl.password" in properties:
        properties["sasl.password"] = "ENV 'KAFKA_PASSWORD'"
    options = {key.replace(".", "_"): value for key, value in properties.items()} | options
    written = ", ".join(f"{key} = {literal(value)}" for key, value in options.items() if value is not None)
    return f"CREATE STREAM {name} {columns} FROM KAFKA ({written}) FORMAT {format} {clauses}"


def literal(value):
    if not isinstance(value, str):
        return str(value)
    return value if value.startswith(("ENV '", "SECRET '")) else "'" + value.replace("'", "''") + "'"


def count(helios, stream):
    return helios.value(f"SELECT count(*) AS n FROM {stream}")


def wait_count(helios, stream, n, deadline=30):
    """Waits for exactly `n` rows; more is an error at once."""

    def counted():
        found = count(helios, stream)
        if found > n:
            raise RuntimeError(f"{stream} has {found} rows, more than the {n} sent")
        assert found == n, f"{stream} has {found} of {n} rows; {helios.stream(stream)}"
        return True

    eventually(counted, deadline)


def ids(helios, stream):
    """The ids of a table, in order."""
    return [row["id"] for row in helios.sql(f"SELECT id FROM {stream} ORDER BY id")]


def wait_state(helios, stream, *states, deadline=60):
    """Waits until a stream is in one of `states`; returns its row of system.streams."""

    def reached():
        status = helios.stream(stream)
        assert status["state"] in states, f"{stream} is {status}"
        return status

    return eventually(reached, deadline)
