"""An emulator of Kinesis with one stream, for the wizard's test: says its address, and ends when its input does."""

import json
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "real"))

from kinesis import ENVIRONMENT, Emulator, missing  # noqa: E402

CLICKS = 60


def click(number):
    return json.dumps({"userId": number % 7, "page": f"/p{number % 5}", "at": f"2026-11-21T12:00:{number % 60:02}Z"}).encode()


why = missing("kinesalite")
if why is not None:
    print(json.dumps({"missing": why}), flush=True)
    sys.exit()
with tempfile.TemporaryDirectory(prefix="helios-e2e-kinesis-") as folder, Emulator("kinesalite", Path(folder)) as emulator:
    emulator.create_stream("clicks", 2)
    emulator.put("clicks", [click(number) for number in range(CLICKS)])
    print(json.dumps({"address": emulator.endpoint, "environment": ENVIRONMENT}), flush=True)
    sys.stdin.read()
