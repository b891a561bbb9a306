"""Loads the same files into every engine and asks the same questions, taking turns; writes a table and JSON."""

import argparse
import json
import math
import platform
import statistics
import subprocess
import time
from pathlib import Path

from data import SHAPES, written
from engines import ENGINES, ROOT, emptied
from questions import SETS

FOLDER = ROOT / "target" / "bench"


def timed(action):
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def bulk(shapes, n_rows, runs):
    """Events a second from a file on disk into a durable table, an empty one each time."""
    figures = []
    for name in shapes:
        shape = SHAPES[name](n_rows)
        file = written(shape, n_rows, FOLDER / "data")
        rates = {engine.name: [] for engine in ENGINES}
        for _ in range(runs):
            for kind in ENGINES:
                engine = kind(emptied(FOLDER / "run" / kind.name))
                engine.create(shape)
                rates[kind.name].append(n_rows / timed(lambda: engine.load(shape, file)))
                engine.close()
        figures.append({"what": f"bulk load, {name}", "unit": "events/s", "bytes_per_event": file.stat().st_size / n_rows, "figures": rates})
    return figures


def ask(shapes, n_rows, runs):
    """Milliseconds for each question, over settled tables; the first time and the median of the others."""
    figures = []
    for name in shapes:
        shape = SHAPES[name](n_rows)
        file = written(shape, n_rows, FOLDER / "data")
        engines = [kind(emptied(FOLDER / "run" / kind.name)) for kind in ENGINES]
        for engine in engines:
            engine.create(shape)
            engine.load(shape, file)
            engine.settle(shape)
        figures.append({"what": f"on disk, {name}", "unit": "bytes/event", "figures": {e.name: [e.bytes_kept() / n_rows] for e in engines}})
        for question in SETS[name]:
            times = {engine.name: [] for engine in engines if question.of(engine.name)}
            for _ in range(1 + runs):
                for engine in engines:
                    if sql := question.of(engine.name):
                        times[engine.name].append(1000 * timed(lambda: engine.ask(sql)))
            first = {engine: taken.pop(0) for engine, taken in times.items()}
            figures.append({"what": f"{name}: {question.name}", "unit": "ms", "first": first, "figures": times})
        for engine in engines:
            engine.close()
    return figures


def table(figures):
    names = [engine.name for engine in ENGINES]
    lines = ["| what | unit | " + " | ".join(names) + " | helios to chdb |", "|---" * (len(names) + 3) + "|"]
    ratios = []
    for row in figures:
        medians = {engine: statistics.median(values) for engine, values in row["figures"].items()}
        ratio = medians["helios"] / medians["chdb"]
        if row["unit"] == "ms":
            ratios.append(ratio)
        shown = [f"{medians[engine]:,.{1 if medians[engine] < 1000 else 0}f}" if engine in medians else "-" for engine in names]
        lines.append(f"| {row['what']} | {row['unit']} | {' | '.join(shown)} | {ratio:.2f} |")
    if ratios:
        mean = math.exp(statistics.fmean(math.log(ratio) for ratio in ratios))
        lines.append(f"| all questions, geometric mean | | {' | '.join('' for _ in names)} | {mean:.2f} |")
    return "\n".join(lines)


def machine():
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "")
    cores = subprocess.run(["nproc"], capture_output=True, text=True, check=True).stdout.strip()
    memory = next(int(line.split()[1]) // 1024 for line in open("/proc/meminfo") if line.startswith("MemTotal"))
    return {"processor": model, "cores": int(cores), "memory_mib": memory, "system": platform.platform()}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=2_000_000, help="events in each bulk load (default 2000000)")
    parser.add_argument("--asked", type=int, default=5_000_000, help="events that are asked about (default 5000000)")
    parser.add_argument("--runs", type=int, default=5, help="runs of each load and question; the median counts (default 5)")
    parser.add_argument("--shapes", nargs="*", default=list(SHAPES), choices=SHAPES, help="shapes of event (default: all)")
    args = parser.parse_args()
    figures = bulk(args.shapes, args.rows, args.runs)
    figures += ask([shape for shape in args.shapes if shape in SETS], args.asked, args.runs)
    versions = {kind.name: version(kind) for kind in ENGINES}
    text = table(figures)
    results = {"machine": machine(), "versions": versions, "arguments": vars(args), "figures": figures}
    (FOLDER / "results.json").write_text(json.dumps(results, indent=1))
    (FOLDER / "results.md").write_text(text + "\n")
    print(f"\nSynthetic data; {json.dumps(versions)}; {json.dumps(machine())}\n\n{text}\n\nwritten to {Path(FOLDER / 'results.json')}")


def version(kind):
    engine = kind(emptied(FOLDER / "run" / kind.name))
    engine.close()
    return engine.version


main()
