"""Fixtures: one Kafka broker for all tests, one fresh Helios for each."""

import itertools
import shutil

import pytest

import kafka as kafka_server
from helios import BINARY, Helios

numbers = itertools.count(1)


FIGURES = pytest.StashKey()


@pytest.fixture
def figures(request):
    """A list of lines to print when all tests are done."""
    return request.config.stash.setdefault(FIGURES, [])


def pytest_terminal_summary(terminalreporter, config):
    for line in config.stash.get(FIGURES, []):
        terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def broker(tmp_path_factory):
    reason = kafka_server.missing()
    if reason:
        pytest.skip(reason)
    with kafka_server.Kafka(tmp_path_factory.mktemp("kafka")) as running:
        yield running


@pytest.fixture
def kafka(broker):
    """The running broker. A test may stop it; the next one finds it running again."""
    yield broker
    if broker.process is None:
        broker.start()


@pytest.fixture
def kcat(kafka):
    if shutil.which("kcat") is None:
        pytest.skip("no kcat on this machine")
    return kafka.kcat


@pytest.fixture
def topic():
    """A topic name nobody used."""
    return f"topic-{next(numbers)}"


@pytest.fixture
def helios(helios_folder):
    with Helios(helios_folder) as running:
        yield running


@pytest.fixture
def helios_folder(tmp_path):
    """Where a test's Helios lives; for tests that start it themselves."""
    if not BINARY.exists():
        pytest.fail(f"{BINARY} is missing: build it first (make build), or name it in HELIOS_BIN", pytrace=False)
    folder = tmp_path / "helios"
    folder.mkdir()
    return folder


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Shows the end of Helios' log under a failed test."""
    report = yield
    folder = getattr(item, "funcargs", {}).get("helios_folder")
    if report.failed and folder is not None and (folder / "helios.log").exists():
        report.sections.append(("end of helios.log", (folder / "helios.log").read_bytes()[-6000:].decode(errors="replace")))
    return report
