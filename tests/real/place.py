"""Where things are on this machine: the repository, what `install` fetched, free ports."""

import random
import socket
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
INSTALLED = REPOSITORY / "target" / "real"

# Below the range the kernel takes client ports from, so that a server can come back on its port after a restart.
PORTS = range(20_000, 30_000)


def free_ports(n):
    """`n` different ports of 127.0.0.1 that nobody listens on."""
    found = []
    for port in random.sample(PORTS, len(PORTS)):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        found.append(port)
        if len(found) == n:
            return found
    raise OSError("no free ports")
