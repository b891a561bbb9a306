"""Helios beside the others: the same files loaded, the same questions asked, in turns."""

import os
import subprocess
import threading
import time
from contextlib import contextmanager

from data import SHAPES, written
from engines import ENGINES, ROOT, Helios, emptied
from questions import SETS

FOLDER = ROOT / "target" / "bench"


def timed(action):
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def bulk(shapes, n_rows, runs):
    """Events a second from a file on disk into a durable table, an empty one each time."""
    for name in shapes:
        shape = SHAPES[name](n_rows)
        file = written(shape, n_rows, FOLDER / "data")
        rates = {engine.name: [] for engine in ENGINES}
        memory = 0
        for _ in range(runs):
            for kind in ENGINES:
                engine = kind(emptied(FOLDER / "run" / kind.name))
                engine.create(shape)
                # Helios alone waits for the disk: it shall not wait for what the one before left to be written.
                os.sync()
                rates[kind.name].append(n_rows / timed(lambda: engine.load(shape, file)))
                if kind is Helios:
                    memory = max(memory, engine.peak_memory_mib())
                engine.close()
        bytes_each = file.stat().st_size / n_rows
        yield {"what": f"bulk load, {name} ({bytes_each:.0f} bytes)", "unit": "events/s", "figures": rates}
        yield {"what": f"bulk load, {name}, peak memory", "unit": "MiB", "figures": {"helios": [memory]}}


def ask(name, n_rows, runs, arriving=0):
    """Milliseconds for each question over settled tables: the first after a start with empty caches, and the later ones."""
    shape = SHAPES[name](n_rows)
    file = written(shape, n_rows, FOLDER / "data")
    folders = {kind: emptied(FOLDER / "run" / kind.name) for kind in ENGINES}
    engines = {kind: kind(folder) for kind, folder in folders.items()}
    for engine in engines.values():
        engine.create(shape)
        engine.load(shape, file)
        engine.settle(shape)
    yield {"what": f"{name}: on disk", "unit": "bytes/event", "figures": {e.name: [e.bytes_kept() / n_rows] for e in engines.values()}}
    cold = {question.name: {} for question in SETS[name]}
    for question in SETS[name]:
        for kind in ENGINES:
            engines[kind].close()
            drop_caches()
            engines[kind] = kind(folders[kind])
            if sql := question.of(kind.name):
                cold[question.name][kind.name] = 1000 * timed(lambda: engines[kind].ask(sql))
    with events_arriving(engines[Helios], shape, arriving):
        for question in SETS[name]:
            times = {kind.name: [] for kind in ENGINES if question.of(kind.name)}
            for run in range(1 + runs):
                for kind, engine in engines.items():
                    if sql := question.of(kind.name):
                        took = 1000 * timed(lambda: engine.ask(sql))
                        if run > 0:
                            times[kind.name].append(took)
            yield {"what": f"{name}: {question.name}", "unit": "ms", "set": name, "cold": cold[question.name], "figures": times}
    yield {"what": f"{name}: peak memory", "unit": "MiB", "figures": {"helios": [engines[Helios].peak_memory_mib()]}}
    for engine in engines.values():
        engine.close()


def drop_caches():
    """Empties the page cache where this user may; elsewhere a cold question finds files in memory."""
    subprocess.run("sync; echo 3 > /proc/sys/vm/drop_caches", shell=True, stderr=subprocess.DEVNULL, check=False)


@contextmanager
def events_arriving(helios, shape, rate):
    """`rate` events a second are pushed to Helios meanwhile, ten pushes a second; the others are left in peace."""
    if rate == 0:
        yield
        return
    with open(written(shape, 100_000, FOLDER / "data"), "rb") as file:
        lines = file.readlines()
    stop, failure = threading.Event(), []

    def push():
        connection = helios.connection()
        began, n = time.monotonic(), 0
        while not stop.wait(max(0, began + n / 10 - time.monotonic())):
            first = n * rate // 10 % (len(lines) - rate // 10)
            try:
                helios.push(connection, shape, b"".join(lines[first : first + rate // 10]))
            except Exception as error:
                failure.append(error)
                return
            n += 1

    pusher = threading.Thread(target=push)
    pusher.start()
    try:
        yield
    finally:
        stop.set()
        pusher.join()
    if failure:
        raise failure[0]
