"""`kill -9` at random moments while Kafka and HTTP producers write: each id is in its table exactly once, and nothing else.

HELIOS_KILL_ROUNDS (default 20) says how often, HELIOS_KILL_SEED which moments.
"""

import json
import os
import random
import threading
import time

import pytest
import requests

from helios import Helios
from streams import count, create, wait_count

ROUNDS = int(os.environ.get("HELIOS_KILL_ROUNDS", 20))
SEED = int(os.environ.get("HELIOS_KILL_SEED", 1))

N_SENDERS = 4
BATCH_ROWS_MAX = 300
# Kafka records a second at most, so that a small machine keeps up.
KAFKA_PACE = 50_000
IDS_A_QUESTION = 1_000_000


class Sender(threading.Thread):
    """Pushes numbered rows as fast as they are acknowledged; a push without an answer is repeated, same key, same body."""

    def __init__(self, helios, number, enough):
        super().__init__(name=f"sender-{number}")
        self.helios, self.number, self.enough = helios, number, enough
        self.random = random.Random(SEED * 1000 + number)
        self.n_acknowledged = 0
        self.n_repeated = 0
        self.wrong = None

    def run(self):
        try:
            while not self.enough.is_set():
                n = self.random.randint(1, BATCH_ROWS_MAX)
                self.send(self.n_acknowledged, n)
                self.n_acknowledged += n
        except Exception as wrong:  # told to the test by check()
            self.wrong = wrong

    def send(self, first, n):
        body = b"".join(b'{"sender":%d,"id":%d}\n' % (self.number, i) for i in range(first, first + n))
        headers = {"Idempotency-Key": f"{self.number}-{first}"}
        while True:
            try:
                response = self.helios.push_raw("pushed", body, headers, timeout=30)
            except requests.RequestException:
                time.sleep(0.02)  # the server is dead; a real sender backs off, too
                continue
            if response.status_code in (429, 503):
                time.sleep(0.02)
                continue
            assert response.status_code == 200, response.text
            answer = response.json()
            assert answer["stored"] == n, answer
            self.n_repeated += answer["repeated"]
            return

    def check(self):
        if self.wrong:
            raise self.wrong


class Producer(threading.Thread):
    """Produces numbered records to Kafka, paced."""

    def __init__(self, kafka, topic, enough):
        super().__init__(name="producer")
        self.producer = kafka.producer(**{"enable.idempotence": True, "queue.buffering.max.messages": 200_000})
        self.topic, self.enough = topic, enough
        self.n_produced = 0

    def run(self):
        started = time.monotonic()
        while not self.enough.is_set():
            behind = self.n_produced / KAFKA_PACE - (time.monotonic() - started)
            if behind > 0:
                self.producer.poll(behind)
                continue
            for _ in range(200):
                self.producer.produce(self.topic, b'{"id":%d}' % self.n_produced)
                self.n_produced += 1
        assert self.producer.flush(60) == 0


# With the settings users have, most commits are small and stay in the catalog; then every commit a file, and upkeep at once.
SETTINGS = {"small_commits": "", "every_commit_a_file": "[lake]\ninline_bytes_max = 1\nmaintain_ms = 10\ncompact_age_ms = 500\n"}


@pytest.mark.timeout(60 + 6 * ROUNDS)
@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_kills_lose_and_double_nothing(helios_folder, kafka, topic, figures, settings):
    (helios_folder / "helios.toml").write_text(settings)
    kafka.create_topic(topic, 3)
    dice = random.Random(SEED)
    enough = threading.Event()
    with Helios(helios_folder, arguments=["--config", helios_folder / "helios.toml"]) as helios:
        create(helios, "read", kafka, topic)
        helios.sql("CREATE STREAM pushed (sender INT, id BIGINT) FROM HTTP")
        producer = Producer(kafka, topic, enough)
        senders = [Sender(helios, number, enough) for number in range(N_SENDERS)]
        for thread in (producer, *senders):
            thread.start()
        try:
            for round_ in range(ROUNDS):
                kill_once(helios, senders, dice, round_)
        finally:
            enough.set()
            for thread in (producer, *senders):
                thread.join()

        check_all(helios, producer, senders)
        helios.restart()
        check_all(helios, producer, senders)
        n_pushed = sum(sender.n_acknowledged for sender in senders)
        n_repeated = sum(sender.n_repeated for sender in senders)
        figures.append(
            f"{ROUNDS} kills: {producer.n_produced:,} Kafka records and {n_pushed:,} pushed rows, each stored exactly once; "
            f"{n_repeated} pushes had been stored although their answer was lost"
        )


def kill_once(helios, senders, dice, round_):
    """Kills the server at a random moment, now and then while it still starts, and brings it back."""
    time.sleep(dice.uniform(0.1, 1.5))  # the random moment
    acknowledged = sum(sender.n_acknowledged for sender in senders)
    helios.kill9()
    if dice.random() < 0.2:
        helios.start(ready=False)
        time.sleep(dice.uniform(0, 0.5))
        helios.kill9()
    helios.start()
    for sender in senders:
        sender.check()
    found = count(helios, "pushed")
    assert found >= acknowledged, f"round {round_} of seed {SEED}: {acknowledged} rows acknowledged, {found} found"


def check_all(helios, producer, senders):
    wait_count(helios, "read", producer.n_produced, deadline=60)
    check_each_once(helios, "read", "true", producer.n_produced)
    for sender in senders:
        sender.check()
        check_each_once(helios, "pushed", f"sender = {sender.number}", sender.n_acknowledged)
    expected = {"read": producer.n_produced, "pushed": sum(sender.n_acknowledged for sender in senders)}
    assert {stream: count(helios, stream) for stream in expected} == expected
    verified = dict.fromkeys(expected, 0)
    for part in helios.verify():
        assert part["received"] == part["stored"] == part["counted"], json.dumps(part)
        verified[part["stream"]] += part["counted"]
    assert verified == expected


def check_each_once(helios, stream, where, n):
    """Each of the ids 0..n is there once; asked for in parts, so that any number of rounds can be counted."""
    for first in range(0, n, IDS_A_QUESTION):
        end = min(first + IDS_A_QUESTION, n)
        question = f"SELECT count(*) AS n, count(DISTINCT id) AS ids FROM {stream} WHERE {where} AND id >= {first} AND id < {end}"
        [found] = helios.sql(question)
        assert found == {"n": end - first, "ids": end - first}, f"{stream}, {where}, ids {first} to {end}, seed {SEED}: {found}"
