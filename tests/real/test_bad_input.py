"""Bad input over HTTP: each gets a clear answer, nothing else is lost, and the server goes on."""

import gzip
import io
import json
from urllib.parse import quote

import pytest
import requests

from streams import count

COLUMNS = "(id BIGINT, price DOUBLE, note TEXT, at TIMESTAMP)"
GOOD_FIRST, GOOD_LAST = b'{"id": 1, "price": 1.5}', b'{"id": 3, "price": 3.5}'


@pytest.fixture
def events(helios):
    helios.sql(f"CREATE STREAM events {COLUMNS} FROM HTTP")
    yield helios
    # Whatever happened, the next push and the next question are answered, and the ledger agrees.
    before = count(helios, "events")
    assert helios.push("events", [{"id": 1000}])["stored"] == 1
    assert count(helios, "events") == before + 1
    helios.verify()
    assert helios.rss_bytes() < 1 << 30


def beside_good(helios, line):
    """Pushes `line` between two good ones; returns the acknowledgement, having checked that the good ones are stored."""
    answer = helios.push("events", b"\n".join([GOOD_FIRST, line, GOOD_LAST]))
    assert [row["price"] for row in helios.sql("SELECT price FROM events WHERE id IN (1, 3) ORDER BY id")] == [1.5, 3.5]
    return answer


QUARANTINED = {
    "invalid_utf8": b'{"id": 2, "note": "\xff\xfe"}',
    "nan": b'{"id": 2, "price": NaN}',
    "infinity": b'{"id": 2, "price": -Infinity}',
    "1e400": b'{"id": 2, "price": 1e400}',
    "year_300000": b'{"id": 2, "at": "+300000-01-01T00:00:00Z"}',
    "integer_too_large": b'{"id": 1' + 38 * b"0" + b"}",
    "not_an_object": b"[1, 2]",
    "half_an_object": b'{"id": 2',
    "lone_surrogate": b'{"id": 2, "note": "\\ud800"}',
}


@pytest.mark.parametrize("line", QUARANTINED.values(), ids=QUARANTINED)
def test_a_record_that_does_not_fit_is_kept_in_quarantine(events, line):
    answer = beside_good(events, line)
    assert (answer["stored"], answer["quarantined"]) == (2, 1)
    [row] = events.sql("SELECT * FROM system.quarantine")
    assert row["reason"]
    if b"\xff" not in line:
        assert row["payload"] == line.decode()


def test_an_integer_too_large_for_its_column_widens_it(events):
    answer = beside_good(events, b'{"id": 92233720368547758080}')
    assert (answer["stored"], answer["quarantined"]) == (3, 0)
    assert events.value("SELECT max(id) AS n FROM events") == "92233720368547758080"


def test_nesting_of_depth_ten_thousand(events):
    for opening, closing in ((b"[", b"]"), (b'{"a":', b"}")):
        deep = opening * 10_000 + b"1" + closing * 10_000
        answer = events.push("events", b'{"id": 1}\n{"id": 2, "deep": ' + deep + b'}\n{"id": 3}')
        assert answer["stored"] + answer["quarantined"] == 3 and answer["stored"] >= 2
    assert count(events, "events") >= 4


def test_duplicate_keys_make_one_row(events):
    answer = beside_good(events, b'{"id": 2, "note": "a", "note": "b"}')
    assert answer["stored"] + answer["quarantined"] == 3
    for row in events.sql("SELECT note FROM events WHERE id = 2"):
        assert row["note"] == "b"


def test_a_null_character_is_kept(events):
    assert beside_good(events, b'{"id": 2, "note": "a\\u0000b"}')["stored"] == 3
    assert events.value("SELECT note FROM events WHERE id = 2") == "a\0b"


def test_five_thousand_new_fields_go_to_rest(events):
    fields = {f"field_{i}": i for i in range(5000)}
    assert beside_good(events, json.dumps({"id": 2} | fields).encode())["stored"] == 3
    assert json.loads(events.value("SELECT _rest FROM events WHERE id = 2")) == fields


def test_a_byte_order_mark_is_no_part_of_the_first_record(events):
    answer = events.push("events", b"\xef\xbb\xbf" + GOOD_FIRST + b"\n" + GOOD_LAST)
    assert (answer["stored"], answer["quarantined"]) == (2, 0)


@pytest.mark.parametrize("body", [b"", b"\n\n", b"  "], ids=["nothing", "newlines", "spaces"])
def test_an_empty_body_stores_nothing(events, body):
    response = events.push_raw("events", body, {"Content-Type": "application/x-ndjson"})
    assert response.status_code in (200, 400), response.text
    assert count(events, "events") == 0


def test_a_truncated_gzip_body_is_refused_whole(events):
    body = gzip.compress(b"\n".join([GOOD_FIRST] * 10_000))
    headers = {"Content-Type": "application/x-ndjson", "Content-Encoding": "gzip"}
    for broken in (body[: len(body) // 2], body[:-4], b"not gzip at all"):
        response = events.push_raw("events", broken, headers)
        assert response.status_code == 400 and response.json()["message"], response.text
    assert count(events, "events") == 0
    assert events.push_raw("events", body, headers).json()["stored"] == 10_000


def test_a_line_of_200_megabytes_is_too_large(events):
    headers = {"Content-Type": "application/x-ndjson"}
    line = b'{"id": 2, "note": "' + b"x" * (200 << 20) + b'"}'
    bodies = {"whole": (line, {}), "chunked": (io.BytesIO(line), {}), "gzip": (gzip.compress(line, 1), {"Content-Encoding": "gzip"})}
    for name, (body, more) in bodies.items():
        answer = refused_while_sending(events, body, headers | more)
        assert answer is None or answer.status_code == 413, f"{name}: {answer.text}"
        assert count(events, "events") == 0


def refused_while_sending(helios, body, headers):
    """The answer to a push; None when the server hung up before the body was sent, which HTTP/1.1 allows."""
    try:
        return helios.push_raw("events", iter(lambda: body.read(1 << 20), b"") if isinstance(body, io.BytesIO) else body, headers)
    except requests.ConnectionError:
        return None


@pytest.mark.parametrize("name", ['a"b', "a/b", "../../etc", "a b", "'; DROP STREAM events; --", "", "x" * 5000, "été"])
def test_a_stream_name_that_cannot_be(events, name):
    quoted = '"' + name.replace('"', '""') + '"'
    response = events.request("POST", "/api/v1/query", json={"sql": f"CREATE STREAM {quoted} (id BIGINT) FROM HTTP"})
    assert response.status_code == 400 and response.json()["message"], response.text
    response = events.push_raw(quote(name, safe=""), b'{"id": 1}', {"Content-Type": "application/json"})
    assert response.status_code in (400, 404, 405, 414), response.text
    assert [row["name"] for row in events.sql("SELECT name FROM system.streams")] == ["events"]


STATEMENTS = {
    "10_megabytes": "SELECT '" + "x" * (10 << 20) + "' AS x",
    "10_000_parentheses": "SELECT " + "(" * 10_000 + "1" + ")" * 10_000 + " AS x",
    "unclosed_string": "SELECT 'abc",
    "two_statements": "SELECT 1 AS one; DROP STREAM events",
    "null_character": "SELECT \0",
    "a_file_of_the_host": "SELECT * FROM '/etc/passwd'",
    "copy_to_a_file": "COPY (SELECT 1 AS one) TO '/tmp/helios-copied.csv'",
    "external_table": "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'",
}


@pytest.mark.parametrize("statement", STATEMENTS.values(), ids=STATEMENTS)
def test_a_statement_that_cannot_be(events, statement):
    response = events.request("POST", "/api/v1/query", json={"sql": statement})
    assert response.status_code in (400, 404, 413, 422), f"{response.status_code}: {response.text[:1000]}"
    assert response.json()["message"]


def test_a_statement_with_a_hundred_thousand_terms_does_no_harm(events):
    response = events.request("POST", "/api/v1/query", json={"sql": "SELECT " + "+".join(["1"] * 100_000) + " AS x"})
    assert response.status_code < 500, response.text[:1000]


def test_a_stream_dropped_under_a_query(events):
    n = 200_000
    events.push("events", b"".join(b'{"id": %d, "note": "%s"}\n' % (i, b"x" * 100) for i in range(n)))
    query = {"sql": "SELECT * FROM events", "format": "ndjson"}
    with events.request("POST", "/api/v1/query", json=query, stream=True) as answer:
        lines = answer.iter_lines()
        first = next(lines)
        events.sql("DROP STREAM events")
        try:
            rest = list(lines)
        except OSError:  # the body ended abnormally, as it does when the answer is not whole
            rest = None
    # Either the whole snapshot or an error: never a part that looks whole.
    assert json.loads(first)["note"] and (rest is None or len(rest) == n - 1 or "error" in json.loads(rest[-1]))
    events.sql(f"CREATE STREAM events {COLUMNS} FROM HTTP")
    assert count(events, "events") == 0
