"""ClickHouse over HTTPS, and on several hosts: certificates, replicas that go away, statements that all of them carry out."""

import shutil
import time

import pytest

import certificates
import clickhouse
from clickhouse import Current, Keeper, Port, replicas
from helios import Helios, Refused
from place import free_ports
from test_clickhouse import ORDERS, cluster, delivered, rows, sink
from waiting import eventually


@pytest.fixture
def helios(helios_folder):
    # A server that is back is found so at once, and not after some seconds.
    settings = helios_folder / "helios.toml"
    settings.write_text("[sink]\nretry_delay_max_ms = 300\n")
    with Helios(helios_folder, env={"HELIOS_SECRET_CH": "right"}, arguments=["--config", settings]) as running:
        yield running


def refusal(helios, statement):
    with pytest.raises(Refused) as refused:
        helios.sql(statement)
    assert helios.sql("SHOW CLUSTERS") == [], "what was refused is not kept"
    return refused.value.body["message"], refused.value.body["hint"]


def test_certificates_are_checked_and_what_is_wrong_with_one_is_said(helios, tmp_path):
    if reason := clickhouse.missing_current():
        pytest.skip(reason)
    ours, others = tmp_path / "ours", tmp_path / "others"
    for folder in (ours, others):
        certificates.make(folder)
    certificates.signed(ours, "elsewhere", "subjectAltName=DNS:elsewhere.example")
    (ours / "elsewhere.pem").write_text((ours / "elsewhere.key").read_text() + (ours / "elsewhere.crt").read_text())
    authority = tmp_path / "authority.pem"
    shutil.copy(others / "ca.pem", authority)
    trusting = f", ssl_ca_location = '{authority}'"
    with Current(tmp_path / "clickhouse", ours) as server, Port(ours / "elsewhere.pem") as elsewhere, Port() as plain:
        server.sql("CREATE DATABASE analytics", "TSV")
        # An authority that nobody vouches for: without a file, and with the file of another one.
        for more in ("", trusting):
            message, hint = refusal(helios, cluster(server.url, more=more))
            assert message.startswith(f"tls: the certificate of {server.url} is from an authority that is not trusted"), message
            assert "ssl_ca_location" in hint
        # A file that is replaced is read again.
        shutil.copy(ours / "ca.pem", authority)
        url = f"https://127.0.0.1:{elsewhere.port}"
        message, hint = refusal(helios, cluster(url, more=trusting))
        assert message.startswith(f"tls: the certificate of {url} is for another host name") and "elsewhere.example" in message, message
        assert "option url" in hint
        message, hint = refusal(helios, cluster(server.url.replace("https://", "http://"), more=trusting))
        assert f"tls: http://127.0.0.1:{server.port} speaks TLS, and was asked without" in message, message
        assert "https://" in hint
        url = f"https://127.0.0.1:{plain.port}"
        message, hint = refusal(helios, cluster(url, more=trusting))
        assert message.startswith(f"tls: {url} does not speak TLS"), message
        assert "8443" in hint
        message, _ = refusal(helios, cluster(server.url, more=f", ssl_ca_location = '{tmp_path}/nowhere.pem'"))
        assert "nowhere.pem, which cannot be read" in message, message
        # With the right file all of it works.
        found = {row["about"]: row for row in helios.sql(cluster(server.url, more=trusting))}
        assert found["tls"]["result"] == "ok" and str(authority) in found["tls"]["detail"], found
        helios.sql(ORDERS)
        helios.push("orders", rows(0, 2_000))
        helios.sql("CREATE SINK orders_ch FROM orders INTO ch.orders")
        delivered(helios)
        question = "SELECT city, count(*) AS n, sum(price) AS p FROM orders GROUP BY city ORDER BY city"
        assert helios.sql(question.replace("FROM orders", "FROM ch.analytics.orders")) == helios.sql(question)
        # While it delivers: a certificate that is trusted no longer stops the sink, which says why, and goes on when it is again.
        shutil.copy(others / "ca.pem", authority)
        helios.push("orders", rows(2_000, 100))
        eventually(lambda: "is from an authority that is not trusted" in (sink(helios)["message"] or ""), what="the sink says why")
        assert "ssl_ca_location" in sink(helios)["hint"]
        shutil.copy(ours / "ca.pem", authority)
        delivered(helios)
        assert helios.value("SELECT count(*) FROM ch.analytics.orders") == 2_100


@pytest.fixture
def pair(tmp_path):
    """Two replicas, and what they agree through."""
    if reason := clickhouse.missing_replicas():
        pytest.skip(reason)
    with Keeper(tmp_path / "keeper") as keeper:
        one, two = replicas(tmp_path, keeper)
        with one, two:
            one.sql("CREATE DATABASE analytics ON CLUSTER both", "TSV")
            yield one, two


def ids(server):
    server.sql("SYSTEM SYNC REPLICA analytics.orders", "TSV")
    return server.sql("SELECT toString(count()), toString(uniqExact(id)) FROM analytics.orders")


@pytest.mark.timeout(300)
def test_replicas_that_go_away_lose_and_double_nothing(helios, pair):
    one, two = pair
    nobody = f"http://127.0.0.1:{free_ports(1)[0]}"
    # The first host is down from the beginning.
    found = helios.sql(cluster(f"{nobody}, {one.url}, {two.url}", more=", cluster = 'both'"))
    reach = [(row["result"], row["detail"].split(": ")[0]) for row in found if row["about"] == "reach"]
    assert reach == [("missing", f"no answer from {nobody}"), ("ok", one.url), ("ok", two.url)], found
    assert {row["result"] for row in found if row["about"] in ("cluster", "rights")} == {"ok"}, found
    for server in (one, two):
        assert server.sql("SELECT name FROM system.tables WHERE database = 'analytics'") == [], "the check leaves nothing behind"
    helios.sql(ORDERS)
    helios.push("orders", rows(0, 1_000))
    helios.sql("CREATE SINK orders_ch FROM orders INTO ch.orders")
    delivered(helios)
    for server in (one, two):
        assert server.sql("SELECT engine FROM system.tables WHERE name = 'orders'") == [["ReplicatedMergeTree"]]
        assert ids(server) == [["1000", "1000"]]
    # The host that takes delivery dies while it does, and the other one goes on.
    helios.push("orders", rows(1_000, 1_000))
    one.kill9()
    helios.push("orders", rows(2_000, 1_000))
    delivered(helios)
    [shown] = helios.sql("SELECT state, host FROM system.clusters")
    assert shown == {"state": "answers", "host": two.url}
    assert ids(two) == [["3000", "3000"]]
    assert helios.value("SELECT count(*) FROM ch.analytics.orders") == 3_000
    # Both are away: the sink falls behind, the stream does not notice.
    two.kill9()
    started = time.monotonic()
    for i in range(3, 6):
        helios.push("orders", rows(i * 1_000, 1_000))
    assert time.monotonic() - started < 5

    def behind():
        row = sink(helios)
        assert row["state"] == "degraded" and row["lag_s"] > 0, row
        return row["message"].startswith("no host of the cluster ch answers: ") and nobody in row["message"]

    eventually(behind, what="the sink is behind, and says that no host answers")
    assert helios.value("SELECT count(*) FROM orders") == 6_000
    one.start()
    two.start()
    delivered(helios)
    for server in (one, two):
        assert ids(server) == [["6000", "6000"]]
    # A new column is on both, and the stream can be read from either.
    helios.sql("ALTER STREAM orders ADD COLUMN note TEXT")
    helios.push("orders", [{"id": 6_000, "note": "new"}])
    delivered(helios)
    for server in (one, two):
        assert ids(server) == [["6001", "6001"]]
        assert server.sql("SELECT note FROM analytics.orders WHERE id = 6000") == [["new"]]
