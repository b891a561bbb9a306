"""What only Helios does: pushes over HTTP, Kafka, freshness under load, many viewers, growth. Runs `helios bench`."""

import json
import os
import subprocess
import tempfile
from pathlib import Path

from data import SHAPES, written
from engines import ROOT, Helios
from peers import FOLDER


def measured(*arguments):
    """The figures of one `helios bench`."""
    with tempfile.NamedTemporaryFile(suffix=".json") as out:
        subprocess.run([Helios.binary, "bench", *map(str, arguments), "--json", out.name], check=True, stdout=subprocess.DEVNULL)
        return json.loads(Path(out.name).read_text())


def rows(prefix, figures):
    for figure in figures:
        yield {"what": f"{prefix}{figure['name']}", "unit": figure["unit"], "note": figure["note"], "figures": {"helios": [figure["value"]]}}


def http(shapes, runs):
    """Every size of request and number of connections, for every shape of event."""
    for name in shapes:
        n_rows = 2_000_000 if name != "wide" else 200_000
        shape = SHAPES[name](n_rows)
        file = written(shape, n_rows, FOLDER / "data")
        create = f"CREATE STREAM shop {Helios.columns(shape)} FROM HTTP {Helios.clauses(shape)}"
        figures = measured("ingest", "--http-only", "--runs", runs, "--seconds", 2, "--file", file, "--create", create)
        yield from rows(f"{name}: ", figures)


def kafka(runs, n_rows):
    """From a real broker, which the tests of real servers know how to start."""
    venv = ROOT / "target" / "real" / "venv"
    subprocess.run([ROOT / "tests" / "real" / "install"], check=True, stdout=subprocess.DEVNULL)
    shape = SHAPES["shop"](n_rows)
    file = written(shape, n_rows, FOLDER / "data")
    environment = os.environ | {"PYTHONPATH": str(ROOT / "tests" / "real")}
    command = [venv / "bin" / "python", ROOT / "bench" / "kafka_topic.py", Helios.binary, file, Helios.columns(shape), str(runs)]
    out = subprocess.run(command, check=True, env=environment, stdout=subprocess.PIPE, text=True)
    for figure in json.loads(out.stdout.splitlines()[-1]):
        yield {"what": figure["name"], "unit": figure["unit"], "note": figure["note"], "figures": {"helios": figure["values"]}}


RATES = [1_000, 10_000, 50_000, 100_000]


def freshness(seconds):
    """From the moment an event was due until a query had it in, at four rates; all events are seen, or it fails."""
    for rate in RATES:
        for row in rows(f"{rate:,} events/s: ", measured("freshness", "--rate", rate, "--seconds", seconds)):
            yield row | {"rate": rate}


def viewers(seconds):
    yield from rows("", measured("viewers", "--seconds", seconds))


def growth():
    yield from rows("", measured("growth"))
