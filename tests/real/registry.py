"""One real schema registry (Apicurio, in memory) on 127.0.0.1, through the API that Confluent's serializers speak."""

import signal
import subprocess
from pathlib import Path

import requests
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient

from place import INSTALLED, free_ports
from waiting import eventually


def missing():
    """Why no registry can be started here, in one line; None when one can."""
    return None if folder() else "the Apicurio registry was not fetched (tests/real/install says why)"


def folder():
    return next((marker.parent for marker in INSTALLED.glob("apicurio-*/.complete")), None)


class Registry:
    """A registry. It forgets everything when it stops; numbers of schemas begin at 1 again."""

    def __init__(self, log: Path):
        self.log = log
        [self.port] = free_ports(1)
        self.url = f"http://127.0.0.1:{self.port}/apis/ccompat/v7"
        self.process = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        flags = ["-Xmx300m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
        settings = ["-Dquarkus.http.host=127.0.0.1", f"-Dquarkus.http.port={self.port}"]
        [jar] = folder().glob("*-runner.jar")
        with open(self.log, "ab") as log:
            command = ["java", *flags, *settings, "-jar", jar]
            self.process = subprocess.Popen(command, cwd=folder(), stdout=log, stderr=log, start_new_session=True)
        eventually(self.answers, deadline=90, what=f"registry ready; see {self.log}")

    def answers(self):
        assert self.process.poll() is None, f"the registry ended: {self.log.read_text(errors='replace')[-2000:]}"
        try:
            return requests.get(f"{self.url}/subjects", timeout=5).status_code == 200
        except requests.RequestException:
            return False

    def stop(self):
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=60)
        self.process = None

    def client(self):
        return SchemaRegistryClient({"url": self.url})

    def register(self, subject, text, language="AVRO", references=()):
        """Registers a schema; returns its number."""
        return self.client().register_schema(subject, Schema(text, language, list(references)))
