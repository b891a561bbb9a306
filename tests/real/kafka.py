"""One real Apache Kafka broker (KRaft, combined mode) on 127.0.0.1, with every kind of listener Helios can meet."""

import shutil
import signal
import subprocess
from pathlib import Path

from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewPartitions, NewTopic

import certificates
from place import INSTALLED, free_ports
from waiting import eventually

USER = "helios"
PASSWORD = "correct-horse-battery"

# Listener name: the security protocol it speaks.
LISTENERS = {
    "PLAINTEXT": "PLAINTEXT",
    "SASL": "SASL_PLAINTEXT",
    "SASLSSL": "SASL_SSL",
    "TLS": "SSL",
    "MUTUAL": "SSL",
    "CONTROLLER": "PLAINTEXT",
}

# A client of ours that outlives the broker for a moment need not tell.
QUIET = {"log_level": 0}

LOGGING = """
status = error
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d %p %c: %m%n
rootLogger.level = warn
rootLogger.appenderRef.out.ref = out
"""


def missing():
    """Why no broker can be started here, in one line; None when one can."""
    if shutil.which("java") is None:
        return "no java on this machine"
    if not jars():
        return "Apache Kafka was not fetched (tests/real/install says why)"
    return None


def jars():
    return next((marker.parent for marker in INSTALLED.glob("kafka-*/.complete")), None)


class Kafka:
    """A broker in `folder`. As a context manager it is ready inside and gone after."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.ports = dict(zip(LISTENERS, free_ports(len(LISTENERS))))
        self.process = None
        self.certificates = folder / "certificates"
        certificates.make(self.certificates)
        (folder / "log4j2.properties").write_text(LOGGING)
        (folder / "server.properties").write_text(self.settings())
        self.format()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    # The process.

    def start(self):
        """Starts the broker, on the same ports each time, and returns when it answers."""
        with open(self.folder / "broker.log", "ab") as log:
            command = self.java("kafka.Kafka", "server.properties")
            self.process = subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log, start_new_session=True)
        eventually(self.answers, deadline=60, what=f"broker ready; see {self.folder}/broker.log")

    def stop(self):
        """Stops the broker as an administrator would."""
        self.end(signal.SIGTERM)

    def kill(self):
        """Kills the broker without warning."""
        self.end(signal.SIGKILL)

    def end(self, how):
        if self.process is None:
            return
        self.process.send_signal(how)
        self.process.wait(timeout=60)
        self.process = None

    def answers(self):
        assert self.process.poll() is None, f"the broker ended: {self.log_tail()}"
        try:
            return bool(self.admin().list_topics(timeout=1).brokers)
        except KafkaException:
            return False

    def log_tail(self):
        return (self.folder / "broker.log").read_text(errors="replace")[-2000:]

    def java(self, main, *arguments):
        # One small heap and the quick compiler: a test broker lives for a minute.
        flags = ["-Xms64m", "-Xmx400m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dlog4j2.configurationFile=log4j2.properties"]
        return ["java", *flags, "-cp", f"{jars()}/*", main, *arguments]

    def format(self):
        scram = [f"{mechanism}=[name={USER},password={PASSWORD}]" for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512")]
        users = [argument for user in scram for argument in ("--add-scram", user)]
        identity = ["-t", "aGVsaW9zLXJlYWwtdGVzdA", "-c", "server.properties"]
        command = self.java("kafka.tools.StorageTool", "format", *identity, *users)
        subprocess.run(command, cwd=self.folder, check=True, capture_output=True)

    def settings(self):
        at = {name: f"{name}://127.0.0.1:{port}" for name, port in self.ports.items()}
        jaas = "org.apache.kafka.common.security"
        lines = {
            "process.roles": "broker,controller",
            "node.id": 1,
            "controller.quorum.voters": f"1@127.0.0.1:{self.ports['CONTROLLER']}",
            "controller.listener.names": "CONTROLLER",
            "listeners": ",".join(at.values()),
            "advertised.listeners": ",".join(at[name] for name in LISTENERS if name != "CONTROLLER"),
            "listener.security.protocol.map": ",".join(f"{name}:{protocol}" for name, protocol in LISTENERS.items()),
            "inter.broker.listener.name": "PLAINTEXT",
            "log.dirs": self.folder / "data",
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": self.certificates / "server.pem",
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": self.certificates / "ca.pem",
            "listener.name.mutual.ssl.client.auth": "required",
            # A topic that is not there must be reported as missing.
            "auto.create.topics.enable": "false",
            "log.retention.ms": -1,
            "message.max.bytes": 32 << 20,
            "replica.fetch.max.bytes": 32 << 20,
            "socket.request.max.bytes": 64 << 20,
            # A killed broker is let back in after two seconds instead of nine.
            "broker.session.timeout.ms": 2000,
            "broker.heartbeat.interval.ms": 500,
            "group.initial.rebalance.delay.ms": 0,
            "offsets.topic.num.partitions": 1,
            "offsets.topic.replication.factor": 1,
            "transaction.state.log.num.partitions": 1,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
        }
        for name in ("sasl", "saslssl"):
            prefix = f"listener.name.{name}"
            lines[f"{prefix}.sasl.enabled.mechanisms"] = "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512"
            lines[f"{prefix}.plain.sasl.jaas.config"] = f'{jaas}.plain.PlainLoginModule required user_{USER}="{PASSWORD}";'
            for mechanism in ("scram-sha-256", "scram-sha-512"):
                lines[f"{prefix}.{mechanism}.sasl.jaas.config"] = f"{jaas}.scram.ScramLoginModule required;"
        return "".join(f"{key}={value}\n" for key, value in lines.items())

    # How clients reach it, as librdkafka properties.

    def address(self, listener="PLAINTEXT"):
        return f"127.0.0.1:{self.ports[listener]}"

    def client(self, listener="PLAINTEXT", mechanism="SCRAM-SHA-512"):
        """librdkafka's properties for a listener; `mechanism` is used where the listener asks for a login."""
        properties = {"bootstrap.servers": self.address(listener), "security.protocol": LISTENERS[listener]}
        if listener in ("SASL", "SASLSSL"):
            properties |= {"sasl.mechanism": mechanism, "sasl.username": USER, "sasl.password": PASSWORD}
        if listener in ("SASLSSL", "TLS", "MUTUAL"):
            properties["ssl.ca.location"] = str(self.certificates / "ca.pem")
        if listener == "MUTUAL":
            properties["ssl.certificate.location"] = str(self.certificates / "client.crt")
            properties["ssl.key.location"] = str(self.certificates / "client.key")
        return properties

    def kcat(self, *arguments, listener="PLAINTEXT", **run):
        """Runs kcat, an independent client; returns what it printed.

        It logs in with PLAIN: the librdkafka in Debian 12's kcat (2.0) repeats the server's nonce in SCRAM, which brokers
        since Kafka 3.7.2 refuse.
        """
        properties = [word for key, value in self.client(listener, "PLAIN").items() for word in ("-X", f"{key}={value}")]
        done = subprocess.run(["kcat", *properties, *arguments], capture_output=True, timeout=60, **run)
        assert done.returncode == 0, done.stderr.decode(errors="replace")
        return done.stdout

    def producer(self, **properties):
        return Producer(self.client() | {"linger.ms": 5} | QUIET | properties)

    def produce(self, topic, payloads, partition=None, **properties):
        """Produces payloads (bytes or dicts with produce()'s arguments) and returns when the broker has them all."""
        producer = self.producer(**properties)
        failed = []
        for payload in payloads:
            message = payload if isinstance(payload, dict) else {"value": payload}
            if partition is not None:
                message = {"partition": partition} | message
            while True:
                try:
                    producer.produce(topic, on_delivery=lambda error, _: error and failed.append(error), **message)
                    break
                except BufferError:
                    producer.poll(0.1)
        left = producer.flush(60)
        assert left == 0 and not failed, f"{left} records not produced; {failed[:1]}"

    # Topics.

    def admin(self):
        return AdminClient(self.client() | QUIET)

    def administer(self, request):
        """Sends an administrator's request and returns its answers."""
        admin = self.admin()  # kept alive until its answers are in
        return [future.result(timeout=30) for future in request(admin).values()]

    def create_topic(self, name, n_partitions=1, **config):
        """`config` keys with underscores: max_message_bytes."""
        config = {key.replace("_", "."): str(value) for key, value in config.items()}
        self.administer(lambda admin: admin.create_topics([NewTopic(name, n_partitions, 1, config=config)]))
        # Created means: the broker that produces are sent to leads every partition.
        eventually(lambda: self.n_partitions(name) == n_partitions)

    def delete_topic(self, name):
        self.administer(lambda admin: admin.delete_topics([name]))
        eventually(lambda: self.n_partitions(name) == 0)

    def grow_topic(self, name, n_partitions):
        self.administer(lambda admin: admin.create_partitions([NewPartitions(name, n_partitions)]))
        eventually(lambda: self.n_partitions(name) == n_partitions)

    def n_partitions(self, name):
        topic = self.admin().list_topics(timeout=10).topics.get(name)
        return len(topic.partitions) if topic and all(p.leader >= 0 for p in topic.partitions.values()) else 0

    def delete_records(self, topic, before):
        """Deletes records before an offset, `{partition: offset}`, as retention would."""
        places = [TopicPartition(topic, partition, offset) for partition, offset in before.items()]
        self.administer(lambda admin: admin.delete_records(places))

    def end_offsets(self, topic):
        consumer = Consumer(self.client() | {"group.id": "counts"} | QUIET)
        try:
            ends = {}
            for partition in range(self.n_partitions(topic)):
                ends[partition] = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=10)[1]
            return ends
        finally:
            consumer.close()

    def group_offsets(self, group, topic):
        """What a consumer group has committed for a topic: `{partition: offset}`."""
        [answer] = self.administer(lambda admin: admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)]))
        return {place.partition: place.offset for place in answer.topic_partitions if place.topic == topic}
