"""The current ClickHouse engine behind its HTTP front, for the clusters' test: says its address, and ends when its input does.

A line of input is `"away"`, `"back"`, or a statement for the engine itself; each is answered with a line.
"""

import json
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "real"))

from clickhouse import Current, missing_current  # noqa: E402


def obey(server, line):
    if line == "away":
        return server.kill9()
    if line == "back":
        return server.start()
    return server.sql(line)


why = missing_current()
if why is not None:
    print(json.dumps({"missing": why}), flush=True)
    sys.exit()
with tempfile.TemporaryDirectory(prefix="helios-e2e-clickhouse-") as folder, Current(Path(folder)) as server:
    server.sql("CREATE DATABASE analytics", "TSV")
    print(json.dumps({"url": server.url}), flush=True)
    for line in sys.stdin:
        print(json.dumps(obey(server, json.loads(line))), flush=True)
