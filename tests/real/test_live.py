"""The live WebSocket, with a client that is not ours."""

import json
import time

import pytest
import websocket

from waiting import eventually


class Live:
    def __init__(self, helios, **options):
        url = helios.url.replace("http://", "ws://") + "/api/v1/live"
        self.socket = websocket.create_connection(url, timeout=20, **options)
        self.hello = self.next()

    def say(self, **message):
        self.socket.send(json.dumps(message))

    def next(self):
        return json.loads(self.socket.recv())

    def close(self):
        self.socket.close()


@pytest.fixture
def live(helios):
    connection = Live(helios, subprotocols=["helios.v1"])
    yield connection
    connection.close()


def test_figures_come_each_second(helios, live):
    assert live.hello["type"] == "hello" and live.socket.getsubprotocol() == "helios.v1"
    live.say(type="subscribe", id=1, topic="metrics")
    first = live.next()
    assert (first["type"], first["id"]) == ("snapshot", 1)
    assert first["data"]["memory_bytes"] > 1 << 20 and first["data"]["streams"] == []
    began = time.monotonic()
    seqs = [live.next()["seq"] for _ in range(3)]
    assert 1.5 < time.monotonic() - began < 4.5
    assert seqs == sorted(set(seqs)) and seqs[0] > first["seq"]


def test_rows_come_as_they_are_committed_and_no_more_than_was_asked_for(helios, live):
    helios.sql("CREATE STREAM t (id BIGINT, price DECIMAL(10, 2)) FROM HTTP")
    live.say(type="subscribe", id=1, topic="stream/t/tail", credit=3, where="id > 10")
    assert live.next()["data"] == {"rows": [], "skipped": 0}
    helios.push("t", [{"id": i, "price": "1.50"} for i in range(5, 16)])
    update = live.next()
    assert [row["id"] for row in update["data"]["rows"]] == ["13", "14", "15"]
    assert update["data"]["skipped"] == 2 and update["data"]["rows"][0]["price"] == "1.50"
    assert update["data"]["rows"][0]["_commit"] == str(update["seq"])
    helios.push("t", [{"id": 99}])
    assert live.next()["data"] == {"rows": [], "skipped": 1}
    helios.sql("DROP STREAM t")
    assert live.next() == {"type": "end", "id": 1, "reason": "stream dropped"}


def test_a_tail_goes_on_after_a_kill(helios):
    helios.sql("CREATE STREAM t (id BIGINT) FROM HTTP")
    helios.push("t", [{"id": 1}])
    live = Live(helios)
    live.say(type="subscribe", id=1, topic="stream/t/tail", credit=10)
    seen = live.next()
    assert [row["id"] for row in seen["data"]["rows"]] == ["1"]
    helios.push("t", [{"id": 2}])
    assert live.next()["type"] == "update"
    helios.kill9()
    with pytest.raises((websocket.WebSocketException, OSError)):
        live.next()
    helios.start()
    again = Live(helios)
    assert again.hello["instance"] != live.hello["instance"]
    again.say(type="subscribe", id=1, topic="stream/t/tail", credit=10, after=seen["seq"])
    update = again.next()
    assert (update["type"], [row["id"] for row in update["data"]["rows"]]) == ("update", ["2"])
    again.close()


def test_a_server_that_stops_says_so(helios, live):
    live.say(type="subscribe", id=1, topic="metrics")
    live.next()
    helios.stop()
    code, _ = eventually(lambda: closed(live), 20)
    assert code == 1001


def closed(live):
    opcode, data = live.socket.recv_data()
    assert opcode == websocket.ABNF.OPCODE_CLOSE, opcode
    return int.from_bytes(data[:2], "big"), data[2:]


def test_pages_of_other_sites_are_kept_out(helios):
    Live(helios, origin=helios.url).close()
    with pytest.raises(websocket.WebSocketBadStatusException) as refused:
        Live(helios, origin="https://evil.example")
    assert refused.value.status_code == 403
