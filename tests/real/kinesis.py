"""Emulators of Amazon Kinesis on 127.0.0.1, written to with boto3; an account with users and roles; a proxy that refuses calls; aggregates as producers write them."""

import hashlib
import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import threading
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import boto3
import requests
from botocore.config import Config

from place import INSTALLED, free_ports
from waiting import eventually

HERE = Path(__file__).resolve().parent
MODULES = INSTALLED / "kinesis" / "node_modules"
SHARDS_MAX = "1000"
REGION = "eu-west-1"
# What both the emulators' clients and Helios log in with; no emulator looks at it.
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "helios", "AWS_SECRET_ACCESS_KEY": "correct-horse-battery"}
ENVIRONMENT = CREDENTIALS | {"AWS_REGION": REGION, "AWS_EC2_METADATA_DISABLED": "true"}


def missing(name):
    """Why an emulator cannot be started here, in one line; None when it can."""
    if shutil.which("node") is None:
        return "no node on this machine"
    return None if (MODULES / name).is_dir() else f"{name} was not fetched (tests/real/install says why)"


class Emulator:
    """One emulator by its name: `kinesalite` or `kinesis-local`. As a context manager it is ready inside and gone after.

    They agree about resharding, and neither knows the other. The first takes ten thousand records a second, also when it has
    a million; the second a few hundred calls.
    """

    def __init__(self, name, folder: Path):
        self.name = name
        self.folder = folder
        self.port, self.other_port = free_ports(2)
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self.process = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        command, environment = self.command()
        with open(self.folder / f"{self.name}.log", "ab") as log:
            self.process = subprocess.Popen(
                list(map(str, command)), env=os.environ | environment, cwd=self.folder, stdout=log, stderr=log, start_new_session=True
            )
        eventually(self.answers, deadline=60, what=f"{self.name} ready; see {self.folder}/{self.name}.log")

    def stop(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def command(self):
        # A million records are two gigabytes to kinesalite, which is more than node takes by itself on a small machine.
        node = ["node", "--max-old-space-size=4096", "--require", HERE / "loopback.js"]
        if self.name == "kinesalite":
            at_once = [word for state in ("create", "delete", "update") for word in (f"--{state}StreamMs", "20")]
            return [*node, MODULES / "kinesalite" / "cli.js", "--port", self.port, "--shardLimit", SHARDS_MAX, *at_once], {}
        states = ["CREATE_STREAM", "DELETE_STREAM", "UPDATE_SHARD_COUNT", "SPLIT_SHARD", "MERGE_SHARDS", "REGISTER_STREAM_CONSUMER", "DEREGISTER_STREAM_CONSUMER"]
        settings = {f"{state}_DURATION": "20ms" for state in states} | {
            "KINESIS_MOCK_CERT_PATH": str(MODULES / "kinesis-local" / "server.json"),
            "KINESIS_MOCK_PLAIN_PORT": str(self.port),
            "KINESIS_MOCK_TLS_PORT": str(self.other_port),
            "SHARD_LIMIT": SHARDS_MAX,
            "LOG_LEVEL": "ERROR",
        }
        return [*node, MODULES / "kinesis-local" / "main.js"], settings

    def answers(self):
        assert self.process.poll() is None, f"{self.name} ended: {self.log_tail()}"
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", self.port)) != 0:
                return False
        return "StreamNames" in self.client().list_streams()

    def log_tail(self):
        return (self.folder / f"{self.name}.log").read_text(errors="replace")[-2000:]

    def client(self):
        keys = {"aws_access_key_id": CREDENTIALS["AWS_ACCESS_KEY_ID"], "aws_secret_access_key": CREDENTIALS["AWS_SECRET_ACCESS_KEY"]}
        retries = Config(retries={"max_attempts": 5}, max_pool_connections=20)
        return boto3.client("kinesis", endpoint_url=self.endpoint, region_name=REGION, config=retries, **keys)

    # Streams.

    def create_stream(self, stream, n_shards=1):
        self.client().create_stream(StreamName=stream, ShardCount=n_shards)
        self.wait_active(stream)

    def delete_stream(self, stream):
        self.client().delete_stream(StreamName=stream, EnforceConsumerDeletion=True)
        eventually(lambda: stream not in self.client().list_streams()["StreamNames"])

    def wait_active(self, stream):
        eventually(lambda: self.client().describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"]["StreamStatus"] == "ACTIVE")

    def shards(self, stream):
        return self.client().list_shards(StreamName=stream)["Shards"]

    def open_shards(self, stream):
        """The shards that are written to, in the order of their hashes."""
        is_open = [shard for shard in self.shards(stream) if "EndingSequenceNumber" not in shard["SequenceNumberRange"]]
        return sorted(is_open, key=lambda shard: int(shard["HashKeyRange"]["StartingHashKey"]))

    def split(self, stream, shard):
        hashes = shard["HashKeyRange"]
        middle = (int(hashes["StartingHashKey"]) + int(hashes["EndingHashKey"])) // 2 + 1
        self.client().split_shard(StreamName=stream, ShardToSplit=shard["ShardId"], NewStartingHashKey=str(middle))
        self.wait_active(stream)

    def merge(self, stream, shard, next_shard):
        names = {"ShardToMerge": shard["ShardId"], "AdjacentShardToMerge": next_shard["ShardId"]}
        self.client().merge_shards(StreamName=stream, **names)
        self.wait_active(stream)

    def put(self, stream, payloads, key=lambda i: f"k{i}", client=None):
        """Puts payloads (bytes), 500 a call as the service allows; returns when it has them all."""
        client = client or self.client()
        records = [{"Data": payload, "PartitionKey": key(i)} for i, payload in enumerate(payloads)]
        while records:
            answers = client.put_records(StreamName=stream, Records=records[:500])["Records"]
            records = [record for record, answer in zip(records, answers) if "ErrorCode" in answer] + records[500:]


class Account:
    """An AWS account: IAM, STS and Kinesis by moto, which checks signatures, the rights of users and roles, and who may assume
    a role (not which resource a right is for). `user` is the access key of a user who may do nothing until `allow_assuming`."""

    NAME = "helios"
    ROLE = "reader"
    EXTERNAL_ID = "shop-4711"

    def __init__(self, folder: Path):
        self.folder = folder
        [self.port] = free_ports(1)
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self.process = None

    def __enter__(self):
        with open(self.folder / "moto.log", "ab") as log:
            command = [str(INSTALLED / "venv" / "bin" / "moto_server"), "-H", "127.0.0.1", "-p", str(self.port)]
            self.process = subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log)
        eventually(self.answers, deadline=60, what=f"moto ready; see {self.folder}/moto.log")
        self.populate()
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def answers(self):
        assert self.process.poll() is None, (self.folder / "moto.log").read_text()[-2000:]
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def populate(self):
        """Somebody who may do all, a user who may do nothing, and a role that trusts the user; from then on all is checked."""
        nobody = {"AccessKeyId": "nobody", "SecretAccessKey": "nothing"}
        iam = self.client("iam", nobody)
        iam.create_user(UserName="admin")
        iam.put_user_policy(UserName="admin", PolicyName="all", PolicyDocument=policy("*"))
        user = iam.create_user(UserName=self.NAME)["User"]
        self.admin, self.user = (iam.create_access_key(UserName=name)["AccessKey"] for name in ("admin", self.NAME))
        condition = {"StringEquals": {"sts:ExternalId": self.EXTERNAL_ID}}
        trust = policy("sts:AssumeRole", resource=None, Principal={"AWS": user["Arn"]}, Condition=condition)
        self.role_arn = iam.create_role(RoleName=self.ROLE, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        requests.post(f"{self.endpoint}/moto-api/reset-auth", data="0", timeout=10).raise_for_status()

    def client(self, service, key=None):
        key = key or self.admin
        keys = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
        return boto3.client(service, endpoint_url=self.endpoint, region_name=REGION, **keys)

    def allow_role(self, document):
        self.client("iam").put_role_policy(RoleName=self.ROLE, PolicyName="read", PolicyDocument=json.dumps(document))

    def allow_assuming(self):
        self.client("iam").put_user_policy(UserName=self.NAME, PolicyName="assume", PolicyDocument=policy("sts:AssumeRole"))

    def forbid_assuming(self):
        self.client("iam").delete_user_policy(UserName=self.NAME, PolicyName="assume")


def policy(action, resource="*", **more):
    statement = {"Effect": "Allow", "Action": action} | more | ({"Resource": resource} if resource else {})
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


class Proxy:
    """Stands before an emulator or an account and answers some calls itself: `refuse(action, code, times)` says which.

    `calls` counts them by action, and `keys` has the access keys that signed them, in the order they came first. With
    `lifetime_seconds`, credentials of a role live as long, and calls signed with them later are refused as expired.
    """

    def __init__(self, target, lifetime_seconds=None):
        self.target = target.port
        self.lifetime = lifetime_seconds and timedelta(seconds=lifetime_seconds)
        self.lock = threading.Lock()
        self.refusals = []
        self.calls = {}
        self.keys = {}
        self.expires = {}
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                target = self.headers.get("X-Amz-Target")
                action = target.split(".")[-1] if target else parse_qs(body.decode()).get("Action", [""])[0]
                signed = re.search("Credential=([^/]+)/", self.headers.get("Authorization", ""))
                refusal = proxy.refusal(action, signed and signed[1])
                if refusal:
                    status, kind, answer = 400, None, refusal_of(*refusal, is_json=bool(target)).encode()
                else:
                    connection = http.client.HTTPConnection("127.0.0.1", proxy.target, timeout=30)
                    connection.request("POST", self.path, body, dict(self.headers.items()))
                    response = connection.getresponse()
                    status, kind, answer = response.status, response.getheader("Content-Type"), response.read()
                    connection.close()
                    if action == "AssumeRole" and status == 200 and proxy.lifetime:
                        answer = proxy.shortened(answer.decode()).encode()
                    if answer.startswith(b"<") and status >= 400:
                        # How moto's check of rights refuses, which is the form of no service here.
                        [code], [message] = re.findall(b"<Code>(.*?)</Code>", answer), re.findall(b"<Message>(.*?)</Message>", answer)
                        answer = refusal_of(code.decode(), message.decode(), is_json=bool(target)).encode()
                self.send_response(status)
                self.send_header("Content-Type", kind or "application/x-amz-json-1.1")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.endpoint = f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def refuse(self, action, code, message="as the test says", times=1_000_000, key=None):
        """Refuses an action (`*`: all), of one access key or of all."""
        with self.lock:
            self.refusals.append([action, code, message, times, key])

    def refuse_nothing(self):
        with self.lock:
            self.refusals.clear()

    def refusal(self, action, key):
        with self.lock:
            self.calls[action] = self.calls.get(action, 0) + 1
            keys = self.keys.setdefault(action, [])
            if key not in keys:
                keys.append(key)
            for refusal in self.refusals:
                if refusal[0] in (action, "*") and refusal[3] > 0 and refusal[4] in (None, key):
                    refusal[3] -= 1
                    return refusal[1], refusal[2]
            if key in self.expires and datetime.now(timezone.utc) > self.expires[key]:
                return "ExpiredTokenException", f"The security token of {key} is expired"
        return None

    def shortened(self, answer):
        """An answer to AssumeRole whose credentials live shorter."""
        [key] = re.findall("<AccessKeyId>(.*?)</AccessKeyId>", answer)
        expires = datetime.now(timezone.utc).replace(microsecond=0) + self.lifetime
        with self.lock:
            self.expires[key] = expires
        return re.sub("<Expiration>.*?</Expiration>", f"<Expiration>{expires:%Y-%m-%dT%H:%M:%SZ}</Expiration>", answer)


def refusal_of(code, message, is_json):
    """A refusal in the form of Kinesis, or of STS."""
    if is_json:
        return json.dumps({"__type": code if code.endswith("Exception") else f"{code}Exception", "message": message})
    error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
    return f'<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">{error}<RequestId>0</RequestId></ErrorResponse>'


def aggregate(records):
    """One record as the Kinesis Producer Library writes many: `[(partition key, payload), ...]`."""

    def varint(n):
        out = b""
        while n >= 0x80:
            out, n = out + bytes([n & 0x7F | 0x80]), n >> 7
        return out + bytes([n])

    def field(number, data):
        return varint(number << 3 | 2) + varint(len(data)) + data

    message = b"".join(field(1, key.encode()) for key, _ in records)
    for i, (_, payload) in enumerate(records):
        message += field(3, varint(1 << 3) + varint(i) + field(3, payload))
    return b"\xf3\x89\x9a\xc2" + message + hashlib.md5(message).digest()
