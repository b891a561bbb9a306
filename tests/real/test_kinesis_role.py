"""A Kinesis stream read in an assumed role: an account whose STS, IAM and Kinesis (moto) check every signature and every right."""

import json
import re

import pytest

from helios import Helios, Refused
from kinesis import REGION, Account, Proxy
from place import REPOSITORY
from streams import ids, wait_count, wait_state
from test_kinesis import create, events, statement
from waiting import eventually


@pytest.fixture(scope="module")
def account(tmp_path_factory):
    with Account(tmp_path_factory.mktemp("account")) as account:
        account.allow_role(guides_policy())
        yield account


@pytest.fixture
def stream(account, topic):
    """A stream of the account, with ten records; the role may be assumed."""
    account.client("kinesis").create_stream(StreamName=topic, ShardCount=2)
    put(account, topic, 0)
    account.allow_assuming()
    return topic


def guides_policy():
    """The policy that is exactly enough, as docs/guide/kinesis.md has it; the account does not look at what it is for."""
    guide = (REPOSITORY / "docs" / "guide" / "kinesis.md").read_text()
    [text] = re.findall(r"```json\n(.*?)```", guide, re.DOTALL)
    return json.loads(text.replace("arn:aws:kinesis:REGION:ACCOUNT:stream/NAME", "*"))


def put(account, stream, first, n=10):
    records = [{"Data": payload, "PartitionKey": f"k{i}"} for i, payload in enumerate(events(first, n))]
    account.client("kinesis").put_records(StreamName=stream, Records=records)


def helios_of(account, folder, sts):
    """A Helios that is the account's user, and asks `sts` for roles."""
    keys = {"AWS_ACCESS_KEY_ID": account.user["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": account.user["SecretAccessKey"]}
    rest = {"AWS_REGION": REGION, "AWS_EC2_METADATA_DISABLED": "true", "AWS_ENDPOINT_URL_STS": sts.endpoint}
    return Helios(folder, env=keys | rest)


def role(account):
    return {"role_arn": account.role_arn, "external_id": account.EXTERNAL_ID}


def test_records_are_read_with_the_credentials_of_the_role(helios_folder, account, stream):
    with Proxy(account) as proxy, helios_of(account, helios_folder, proxy) as helios:
        with pytest.raises(Refused):
            create(helios, "clicks", proxy, stream)
        assert proxy.keys["ListShards"] == [account.user["AccessKeyId"]], "the user itself has no rights"
        create(helios, "clicks", proxy, stream, **role(account))
        wait_count(helios, "clicks", 10)
        assert proxy.keys["AssumeRole"] == [account.user["AccessKeyId"]]
        assert all(key.startswith("ASIA") for key in proxy.keys["GetRecords"]), proxy.keys
        # What Helios asked for is what the guide's policy allows, and no more.
        assert set(proxy.calls) == {"AssumeRole", "ListShards", "GetShardIterator", "GetRecords"}
        assert account.user["SecretAccessKey"] not in helios.log.read_text()


def test_what_keeps_a_role_from_being_assumed_has_a_name(helios_folder, account, stream):
    def refused(**options):
        with pytest.raises(Refused) as refused:
            create(helios, "clicks", account, stream, **(role(account) | options))
        assert refused.value.body["hint"]
        return refused.value.status, refused.value.body["message"], refused.value.body["hint"]

    with Proxy(account) as proxy, helios_of(account, helios_folder, proxy) as helios:
        helios.env |= {"KEY_ID": account.user["AccessKeyId"], "WRONG": "wrong-secret-6612"}
        helios.restart()
        status, message, hint = refused(external_id="another")
        assert status == 400 and "not authorized to perform: sts:AssumeRole" in message and "external_id" in hint
        status, message, hint = refused(access_key_id="ENV 'KEY_ID'", secret_access_key="ENV 'WRONG'")
        assert status == 400 and "SignatureDoesNotMatch" in message and "its secret" in hint
        status, message, hint = refused(access_key_id="ENV 'WRONG'", secret_access_key="ENV 'WRONG'")
        assert status == 400 and "InvalidClientTokenId" in message and "access key" in hint
        text = statement("x", account, stream, columns="", **(role(account) | {"external_id": "another"}))
        checks = helios.request("POST", "/api/v1/streams/test", json={"statement": text}).text.splitlines()
        [failed] = [check for check in map(json.loads, checks) if check["state"] == "failed"]
        assert failed["check"] == "login" and "sts:AssumeRole" in failed["message"] and failed["hint"]
    with Proxy(account) as proxy:
        gone = proxy
    with helios_of(account, helios_folder, gone) as helios:
        status, message, hint = refused()
        assert status == 503 and "Connection refused" in message and "STS" in hint


def test_credentials_are_renewed_before_they_expire(helios_folder, account, stream):
    with Proxy(account, lifetime_seconds=12) as proxy, helios_of(account, helios_folder, proxy) as helios:
        create(helios, "clicks", proxy, stream, **role(account))
        wait_count(helios, "clicks", 10)
        n = 10
        while len(proxy.keys["GetRecords"]) < 2:
            n_keys = len(proxy.keys["GetRecords"])
            eventually(lambda: len(proxy.keys["GetRecords"]) > n_keys)
            put(account, stream, n)
            n += 10
            wait_count(helios, "clicks", n)
            assert helios.stream("clicks")["state"] == "running"
        # STS has trouble of its own when the next ones are due.
        proxy.refuse("AssumeRole", "InternalFailure")
        status = wait_state(helios, "clicks", "degraded")
        assert status["cause"] == "credentials_failed" and "STS" in status["hint"], status
        proxy.refuse_nothing()
        put(account, stream, n)
        wait_count(helios, "clicks", n + 10)
        wait_state(helios, "clicks", "running")
        assert ids(helios, "clicks") == list(range(n + 10))
        assert "ExpiredToken" not in helios.log.read_text(), "no call was signed with a key that was expired"


def test_credentials_that_the_service_takes_for_expired_are_replaced(helios_folder, account, stream):
    with Proxy(account) as proxy, helios_of(account, helios_folder, proxy) as helios:
        create(helios, "clicks", proxy, stream, **role(account))
        wait_count(helios, "clicks", 10)
        revoked = proxy.keys["GetRecords"][-1]
        proxy.refuse("*", "ExpiredTokenException", "The security token included in the request is expired", key=revoked)
        put(account, stream, 10)
        wait_count(helios, "clicks", 20)
        assert proxy.keys["GetRecords"][-1] != revoked
        assert "credentials_expired" in helios.log.read_text()
        wait_state(helios, "clicks", "running")
        assert ids(helios, "clicks") == list(range(20))


def test_a_role_that_may_not_be_assumed_any_more_is_a_named_state_that_heals(helios_folder, account, stream):
    with Proxy(account, lifetime_seconds=12) as proxy, helios_of(account, helios_folder, proxy) as helios:
        create(helios, "clicks", proxy, stream, **role(account))
        wait_count(helios, "clicks", 10)
        account.forbid_assuming()
        put(account, stream, 10)
        status = wait_state(helios, "clicks", "failed")
        assert status["cause"] == "role_refused" and "sts:AssumeRole" in status["message"], status
        assert "trust policy" in status["hint"], status
        account.allow_assuming()
        put(account, stream, 20)
        wait_count(helios, "clicks", 30)
        wait_state(helios, "clicks", "running")
        assert ids(helios, "clicks") == list(range(30))
