"""Buses and their policies; names of tests with a recording are those of its scenario (`TestEventBus`)."""

from __future__ import annotations

import datetime
import json
from typing import TYPE_CHECKING, Any

import pytest

from .conftest import DETAIL, PATTERN, ROLE, SOURCE, entry, plain, refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import Plane, TargetQueue

OTHER = "111111111112"


def arn(account: str, name: str, region: str = "us-east-1") -> str:
    return f"arn:aws:events:{region}:{account}:event-bus/{name}"


def timeless(bus: dict[str, Any]) -> dict[str, Any]:
    """A bus without its times, which are times."""
    now = datetime.datetime.now(datetime.UTC)
    for name in ("CreationTime", "LastModifiedTime"):
        assert now - datetime.timedelta(minutes=5) < bus[name] < now + datetime.timedelta(minutes=1)
    return {name: value for name, value in plain(bus).items() if not name.endswith("Time")}


@pytest.mark.parametrize("description", ["test bus", None])
@pytest.mark.parametrize("regions", [["us-east-1"], ["us-east-1", "us-west-1", "eu-central-1"]])
def test_create_list_describe_delete_custom_event_buses(
    plane: Plane, account: str, regions: list[str], description: str | None
) -> None:
    given = {} if description is None else {"Description": description}
    clients = {region: plane.client(account, region) for region in regions}
    for region, client in clients.items():
        expected = {"Name": "one", "Arn": arn(account, "one", region), **given}
        created = client.create_event_bus(Name="one", **given)
        assert plain(created) == {"EventBusArn": expected["Arn"], **given}
        (listed,) = client.list_event_buses(NamePrefix="one")["EventBuses"]
        assert timeless(listed) == expected
        assert timeless(client.describe_event_bus(Name="one")) == expected
    for client in clients.values():
        assert plain(client.delete_event_bus(Name="one")) == {}
        assert plain(client.list_event_buses(NamePrefix="one")) == {"EventBuses": []}


def test_create_multiple_event_buses_same_name(client: Any) -> None:
    client.create_event_bus(Name="one")
    assert refused(client.create_event_bus, Name="one") == (
        "ResourceAlreadyExistsException",
        "Event bus one already exists.",
    )
    assert refused(client.create_event_bus, Name="default")[0] == "ResourceAlreadyExistsException"


def test_describe_delete_not_existing_event_bus(client: Any) -> None:
    missing = ("ResourceNotFoundException", "Event bus missing does not exist.")
    assert refused(client.describe_event_bus, Name="missing") == missing
    assert plain(client.delete_event_bus(Name="missing")) == {}


def test_delete_default_event_bus(client: Any) -> None:
    assert refused(client.delete_event_bus, Name="default") == (
        "ValidationException",
        "Cannot delete event bus default.",
    )


def test_list_event_buses_with_prefix(client: Any) -> None:
    for name in ("unique-prefix", "no-prefix-match"):
        client.create_event_bus(Name=name)
    for prefix in ("unique-prefix", "unique"):
        found = client.list_event_buses(NamePrefix=prefix)["EventBuses"]
        assert [bus["Name"] for bus in found] == ["unique-prefix"]
    assert [bus["Name"] for bus in client.list_event_buses()["EventBuses"]] == [
        "default",
        "no-prefix-match",
        "unique-prefix",
    ]


def test_list_event_buses_with_limit(client: Any) -> None:
    for number in range(6):
        client.create_event_bus(Name=f"bus-{number}")
    first = client.list_event_buses(Limit=3, NamePrefix="bus")
    assert [bus["Name"] for bus in first["EventBuses"]] == ["bus-0", "bus-1", "bus-2"]
    rest = client.list_event_buses(Limit=5, NextToken=first["NextToken"], NamePrefix="bus")
    assert [bus["Name"] for bus in rest["EventBuses"]] == ["bus-3", "bus-4", "bus-5"]
    assert "NextToken" not in rest
    assert refused(client.list_event_buses, NextToken="nonsense")[0] == "ValidationException"


def statement(account: str, bus: str, sid: str, principal: Any) -> dict[str, Any]:
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": principal if principal == "*" else {"AWS": f"arn:aws:iam::{principal}:root"},
        "Action": "events:PutEvents",
        "Resource": arn(account, bus),
    }


def policy_of(client: Any, bus: str) -> Any:
    return json.loads(client.describe_event_bus(Name=bus)["Policy"])


def test_put_permission(client: Any, account: str, bus: str) -> None:
    def put(sid: str, principal: str) -> Any:
        return plain(
            client.put_permission(
                EventBusName=bus, Action="events:PutEvents", Principal=principal, StatementId=sid
            )
        )

    assert put("1", account) == {}
    put("2", account)
    put("3", OTHER)
    said = [
        statement(account, bus, "1", account),
        statement(account, bus, "2", account),
        statement(account, bus, "3", OTHER),
    ]
    assert policy_of(client, bus) == {"Version": "2012-10-17", "Statement": said}
    put("4", "*")
    put("4", "*")
    said.append(statement(account, bus, "4", "*"))
    assert policy_of(client, bus) == {"Version": "2012-10-17", "Statement": said}
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "5",
                "Effect": "Allow",
                "Principal": {"Service": "events.amazonaws.com"},
                "Action": "events:ListRules",
                "Resource": "*",
            }
        ],
    }
    assert plain(client.put_permission(EventBusName=bus, Policy=json.dumps(policy))) == {}
    assert policy_of(client, bus) == policy


def test_put_permission_for_an_organization(client: Any) -> None:
    condition = {"Type": "StringEquals", "Key": "aws:PrincipalOrgID", "Value": "o-1"}
    client.put_permission(Action="events:PutEvents", Principal="*", StatementId="1", Condition=condition)
    (said,) = policy_of(client, "default")["Statement"]
    assert said["Condition"] == {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}


def test_put_permission_non_existing_event_bus(client: Any) -> None:
    assert refused(
        client.put_permission,
        EventBusName="missing",
        Action="events:PutEvents",
        Principal="*",
        StatementId="1",
    ) == ("ResourceNotFoundException", "Event bus missing does not exist.")


@pytest.mark.parametrize("policy", ["what?", "[]", "{}"])
def test_put_permission_with_what_is_no_policy(client: Any, policy: str) -> None:
    assert refused(client.put_permission, Policy=policy)[0] == "ValidationException"


def test_put_permission_beyond_the_length_of_a_policy(client: Any) -> None:
    text = json.dumps({"Statement": [{"Sid": "x" * 10_240}]})
    assert refused(client.put_permission, Policy=text)[0] == "PolicyLengthExceededException"


def test_remove_permission(client: Any, account: str, bus: str) -> None:
    for sid, principal in (("1", account), ("2", OTHER)):
        client.put_permission(
            EventBusName=bus, Action="events:PutEvents", Principal=principal, StatementId=sid
        )
    assert (
        plain(client.remove_permission(EventBusName=bus, StatementId="1", RemoveAllPermissions=False)) == {}
    )
    assert policy_of(client, bus)["Statement"] == [statement(account, bus, "2", OTHER)]
    assert plain(client.remove_permission(EventBusName=bus, RemoveAllPermissions=True)) == {}
    assert "Policy" not in client.describe_event_bus(Name=bus)


@pytest.mark.parametrize("policy_exists", [True, False])
def test_remove_permission_non_existing_sid(client: Any, account: str, bus: str, policy_exists: bool) -> None:
    if policy_exists:
        client.put_permission(EventBusName=bus, Action="events:PutEvents", Principal=account, StatementId="1")
    assert refused(client.remove_permission, EventBusName=bus, StatementId="missing") == (
        "ResourceNotFoundException",
        "Statement with the provided id does not exist.",
    )


def connected(client: Any, first: str, second_arn: str) -> None:
    """Send what is put on one bus to another."""
    client.put_rule(Name="forward", EventBusName=first, EventPattern=json.dumps(PATTERN))
    client.put_targets(
        Rule="forward",
        EventBusName=first,
        Targets=[{"Id": "bus", "Arn": second_arn, "RoleArn": ROLE}],
    )


def listening(client: Any, bus: str, target: TargetQueue) -> None:
    client.put_rule(Name="listen", EventBusName=bus, EventPattern=json.dumps(PATTERN))
    client.put_targets(Rule="listen", EventBusName=bus, Targets=[{"Id": "queue", "Arn": target.arn}])


def test_put_events_bus_to_bus(client: Any, account: str, queue: Callable[..., TargetQueue]) -> None:
    for name in ("one", "two"):
        client.create_event_bus(Name=name)
    target = queue()
    connected(client, "one", arn(account, "two"))
    listening(client, "two", target)
    (put,) = client.put_events(Entries=[entry(EventBusName="one")])["Entries"]
    (event,) = target.bodies()
    assert event.pop("time").endswith("Z")
    assert event == {
        "version": "0",
        "id": put["EventId"],
        "detail-type": SOURCE,
        "source": SOURCE,
        "account": account,
        "region": "us-east-1",
        "resources": [],
        "detail": DETAIL,
    }


def test_event_bus_to_event_bus_cross_region(
    client: Any, plane: Plane, account: str, queue: Callable[..., TargetQueue]
) -> None:
    """Recorded in `TestEventCrossRegion`: the event arrives with another id and the region that it came from."""
    elsewhere = plane.client(account, "eu-central-1")
    elsewhere.create_event_bus(Name="two")
    here, there = queue("here"), queue("there")
    listening(client, "default", here)
    listening(elsewhere, "two", there)
    connected(client, "default", arn(account, "two", "eu-central-1"))
    client.put_events(Entries=[entry()])
    (first,), (second,) = here.bodies(), there.bodies()
    assert first.pop("id") != second.pop("id")
    assert first == second


def test_events_go_from_one_bus_to_another_and_no_further(
    client: Any, account: str, queue: Callable[..., TargetQueue]
) -> None:
    for name in ("one", "two", "three"):
        client.create_event_bus(Name=name)
    seen = {name: queue(name) for name in ("one", "two", "three")}
    for name, target in seen.items():
        listening(client, name, target)
    connected(client, "one", arn(account, "two"))
    connected(client, "two", arn(account, "three"))
    connected(client, "three", arn(account, "one"))
    client.put_events(Entries=[entry(EventBusName="one")])
    assert {name: len(target.bodies()) for name, target in seen.items()} == {"one": 1, "two": 1, "three": 0}


def test_other_accounts_need_the_policy_of_the_bus(
    client: Any, plane: Plane, account: str, queue: Callable[..., TargetQueue]
) -> None:
    target = queue()
    listening(client, "default", target)
    other = plane.client(OTHER)
    there = entry(EventBusName=arn(account, "default"))
    (put,) = other.put_events(Entries=[there])["Entries"]
    assert put["ErrorCode"] == "AccessDeniedException"
    assert target.bodies() == []
    client.put_permission(Action="events:PutEvents", Principal=OTHER, StatementId="1")
    other.put_events(Entries=[there])
    (event,) = target.bodies()
    assert event["account"] == OTHER
    assert (
        refused(
            other.put_rule,
            Name="mine",
            EventBusName=arn(account, "default"),
            EventPattern=json.dumps(PATTERN),
        )[0]
        == "AccessDeniedException"
    )


def test_a_rule_on_the_bus_of_another_account(client: Any, plane: Plane, account: str) -> None:
    allowed = {
        "Effect": "Allow",
        "Principal": {"AWS": OTHER},
        "Action": ["events:PutRule", "events:DescribeRule"],
        "Resource": f"arn:aws:events:us-east-1:{account}:rule/*",
        "Condition": {"StringEquals": {"events:creatorAccount": OTHER}},
    }
    client.put_permission(Policy=json.dumps({"Version": "2012-10-17", "Statement": [allowed]}))
    other, there = plane.client(OTHER), arn(account, "default")
    made = other.put_rule(Name="theirs", EventBusName=there, EventPattern=json.dumps(PATTERN))
    assert made["RuleArn"] == f"arn:aws:events:us-east-1:{account}:rule/theirs"
    assert other.describe_rule(Name="theirs", EventBusName=there)["CreatedBy"] == OTHER
    assert client.describe_rule(Name="theirs")["CreatedBy"] == OTHER
    assert refused(other.delete_rule, Name="theirs", EventBusName=there)[0] == "AccessDeniedException"


def test_tags_of_other_accounts_and_regions(client: Any, plane: Plane, account: str) -> None:
    client.create_event_bus(Name="one")
    rule = client.put_rule(Name="rule", EventBusName="one", EventPattern=json.dumps(PATTERN))["RuleArn"]
    other = plane.client(OTHER)
    given = [{"Key": "a", "Value": "1"}]
    for named in (arn(account, "one"), rule):
        assert refused(other.tag_resource, ResourceARN=named, Tags=given)[0] == "AccessDeniedException"
        assert refused(other.list_tags_for_resource, ResourceARN=named)[0] == "AccessDeniedException"
        there = named.replace("us-east-1", "eu-central-1")
        assert refused(client.tag_resource, ResourceARN=there, Tags=given)[0] == "ResourceNotFoundException"
        assert client.list_tags_for_resource(ResourceARN=named)["Tags"] == []


def test_update_event_bus(client: Any, account: str) -> None:
    client.create_event_bus(Name="one", Description="before")
    letters = "arn:aws:sqs:us-east-1:000000000000:letters"
    changed = client.update_event_bus(
        Name="one", Description="after", DeadLetterConfig={"Arn": letters}, KmsKeyIdentifier="alias/key"
    )
    expected = {
        "Name": "one",
        "Arn": arn(account, "one"),
        "Description": "after",
        "DeadLetterConfig": {"Arn": letters},
        "KmsKeyIdentifier": "alias/key",
    }
    assert plain(changed) == expected
    assert timeless(client.describe_event_bus(Name="one")) == expected


def test_a_bus_with_rules_stays(client: Any) -> None:
    client.create_event_bus(Name="one")
    client.put_rule(Name="rule", EventBusName="one", EventPattern=json.dumps(PATTERN))
    assert refused(client.delete_event_bus, Name="one") == (
        "ValidationException",
        "Event bus can't be deleted since it has rules.",
    )
    client.delete_rule(Name="rule", EventBusName="one")
    client.delete_event_bus(Name="one")


@pytest.mark.parametrize("kind", ["bus", "rule"])
def test_tags(client: Any, account: str, kind: str) -> None:
    given = [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]
    if kind == "bus":
        named = client.create_event_bus(Name="one", Tags=given)["EventBusArn"]
    else:
        client.create_event_bus(Name="one")
        named = client.put_rule(
            Name="rule", EventBusName="one", EventPattern=json.dumps(PATTERN), Tags=given
        )["RuleArn"]
    assert client.list_tags_for_resource(ResourceARN=named)["Tags"] == given
    client.tag_resource(ResourceARN=named, Tags=[{"Key": "c", "Value": "3"}])
    client.untag_resource(ResourceARN=named, TagKeys=["a"])
    left = client.list_tags_for_resource(ResourceARN=named)["Tags"]
    assert left == [{"Key": "b", "Value": "2"}, {"Key": "c", "Value": "3"}]
    many = [{"Key": str(number), "Value": ""} for number in range(50)]
    assert refused(client.tag_resource, ResourceARN=named, Tags=many)[0] == "LimitExceededException"
    strange = refused(client.tag_resource, ResourceARN=named.replace(":events:", ":sqs:"), Tags=given)
    assert strange[0] == "ValidationException"
    assert strange[1].endswith("is not valid. Reason: Provided Arn is not in correct format.")
    missing = refused(client.list_tags_for_resource, ResourceARN=named.replace("one", "two"))
    assert missing == ("ResourceNotFoundException", "Event bus two does not exist.")
