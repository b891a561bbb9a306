"""Measures Helios, beside chDB and DuckDB where they have a counterpart; writes a table, JSON and a chart."""

import argparse
import json
import math
import platform
import statistics
import subprocess
import time
from pathlib import Path

import alone
import chart
import peers
from engines import ENGINES, emptied

PARTS = ["bulk", "shop", "social", "hits", "http", "kafka", "freshness", "viewers", "growth"]


def figures_of(part, args):
    runs = args.runs
    match part:
        case "bulk":
            yield from peers.bulk(["shop", "social"], args.rows, runs)
            yield from peers.bulk(["wide"], args.rows // 10, runs)
        case "shop":
            yield from peers.ask("shop", args.asked, runs, arriving=1_000)
        case "social":
            yield from peers.ask("social", args.asked, runs)
        case "hits":
            yield from peers.ask("hits", args.hits, runs)
        case "http":
            yield from alone.http(["shop", "social", "wide"], runs)
        case "kafka":
            yield from alone.kafka(runs, args.rows)
        case "freshness":
            yield from alone.freshness(args.seconds)
        case "viewers":
            yield from alone.viewers(args.seconds)
        case "growth":
            yield from alone.growth()


def shown(value):
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}"


def ratio_of(row, take=statistics.median):
    """Helios to chDB, as the unit reads: above 1 is more."""
    figures = {engine: take(values) for engine, values in row["figures"].items()}
    return figures["helios"] / figures["chdb"] if "chdb" in figures else None


def table(part, figures):
    """Markdown for a part's figures: medians, the cold time of questions, and the ratio."""
    names = [engine.name for engine in ENGINES if any(engine.name in row["figures"] for row in figures)]
    has_cold = any("cold" in row for row in figures)
    head = ["what", "unit", *names] + (["helios to chdb"] if len(names) > 1 else ["note"]) + ([f"{name}, cold" for name in names] if has_cold else [])
    lines = [f"## {part.capitalize()}", "", "| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for row in figures:
        medians = [shown(statistics.median(row["figures"][name])) if name in row["figures"] else "-" for name in names]
        ratio = ratio_of(row)
        last = ["-" if ratio is None else f"{ratio:.2f}"] if len(names) > 1 else [row.get("note", "")]
        cold = [shown(row["cold"][name]) if name in row.get("cold", {}) else "-" for name in names] if has_cold else []
        lines.append("| " + " | ".join([row["what"], row["unit"], *medians, *last, *cold]) + " |")
    for name in dict.fromkeys(row["set"] for row in figures if "set" in row):
        asked = [row for row in figures if row.get("set") == name]
        mean = lambda ratios: math.exp(statistics.fmean(map(math.log, ratios)))
        warm = mean([ratio_of(row) for row in asked])
        cold = mean([row["cold"]["helios"] / row["cold"]["chdb"] for row in asked])
        lines.append(f"\nGeometric mean of {name}, Helios to chDB: {warm:.2f} warm, {cold:.2f} cold.")
    return "\n".join(lines) + "\n"


def machine():
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "")
    cores = subprocess.run(["nproc"], capture_output=True, text=True, check=True).stdout.strip()
    memory = next(int(line.split()[1]) // 1024 for line in open("/proc/meminfo") if line.startswith("MemTotal"))
    return {"processor": model, "cores": int(cores), "memory_mib": memory, "system": platform.platform()}


def versions():
    found = {}
    for kind in ENGINES:
        engine = kind(emptied(peers.FOLDER / "run" / kind.name))
        found[kind.name] = engine.version
        engine.close()
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"what to measure (default: all): {', '.join(PARTS)}")
    parser.add_argument("--rows", type=int, default=2_000_000, help="events in each bulk load and in the Kafka topic (default 2000000)")
    parser.add_argument("--asked", type=int, default=5_000_000, help="shop and social events that are asked about (default 5000000)")
    parser.add_argument("--hits", type=int, default=10_000_000, help="page views that are asked about (default 10000000)")
    parser.add_argument("--runs", type=int, default=5, help="runs of each; the median counts (default 5)")
    parser.add_argument("--seconds", type=int, default=60, help="length of each run under load (default 60)")
    parser.add_argument("--out", type=Path, default=peers.FOLDER, help="folder for results.md, results.json and freshness.svg")
    args = parser.parse_args()
    if unknown := set(args.parts) - set(PARTS):
        parser.error(f"there is no part {', '.join(unknown)}")
    args.out.mkdir(parents=True, exist_ok=True)
    path = args.out / "results.json"
    # A part that is measured alone replaces its own figures and leaves the others.
    results = json.loads(path.read_text()) if args.parts and path.exists() else {"parts": {}}
    about = {"at": time.strftime("%Y-%m-%d"), "machine": machine(), "versions": versions(), "runs": args.runs}
    for part in args.parts or PARTS:
        print(f"measuring: {part}", flush=True)
        results["parts"][part] = about | {"figures": list(figures_of(part, args))}
        print(table(part, results["parts"][part]["figures"]), flush=True)
        path.write_text(json.dumps(results, indent=1) + "\n")
    write(results, args.out)


def write(results, out):
    pieces = ["# What was measured\n\nWritten by `make bench`; all events are made up from a seed. Medians; Helios syncs every commit and is asked over HTTP.\n"]
    for part in PARTS:
        if found := results["parts"].get(part):
            host = found["machine"]
            about = f"{found['at']}, {host['cores']} cores of {host['processor']}, {host['memory_mib']:,} MiB; {', '.join(found['versions'].values())}; {found['runs']} runs."
            pieces += [table(part, found["figures"]), about + "\n"]
    (out / "results.md").write_text("\n".join(pieces))
    if found := results["parts"].get("freshness"):
        points = {}
        for row in found["figures"]:
            name = row["what"].rsplit(" ", 1)[-1]
            if name in chart.SERIES:
                points.setdefault(row["rate"], {})[name] = row["figures"]["helios"][0]
        (out / "freshness.svg").write_text(chart.freshness(points))
    print(f"written to {out / 'results.md'}")


main()
