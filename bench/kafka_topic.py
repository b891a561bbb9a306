"""Fills a topic of a real broker and has Helios read it again and again; prints JSON. Runs in the tests' environment."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from kafka import Kafka


def main():
    binary, file, columns, runs = sys.argv[1:]
    lines = Path(file).read_bytes().splitlines()
    values = {}
    with tempfile.TemporaryDirectory() as folder, Kafka(Path(folder)) as broker:
        broker.create_topic("shop", 4)
        broker.produce("shop", lines, **{"compression.type": "lz4", "queue.buffering.max.messages": 500_000, "linger.ms": 20})
        for run in range(int(runs)):
            out = Path(folder) / f"{run}.json"
            source = ["--brokers", broker.address(), "--topic", "shop", "--events", str(len(lines)), "--columns", columns]
            subprocess.run([binary, "bench", "kafka", *source, "--json", out], check=True, stdout=subprocess.DEVNULL)
            for figure in json.loads(out.read_text()):
                values.setdefault((figure["name"], figure["unit"], figure["note"]), []).append(figure["value"])
    print(json.dumps([{"name": name, "unit": unit, "note": note, "values": v} for (name, unit, note), v in values.items()]))


main()
