"""Rules and targets; names of tests with a recording are those of its scenario (`TestEventRule`, `TestEventTarget`)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from .conftest import PATTERN, ROLE, entry, plain, refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import TargetQueue

    Queue = Callable[..., TargetQueue]

TEXT = json.dumps(PATTERN)


def arn(account: str, bus: str, name: str) -> str:
    path = name if bus == "default" else f"{bus}/{name}"
    return f"arn:aws:events:us-east-1:{account}:rule/{path}"


def described(account: str, bus: str, name: str, state: str = "ENABLED") -> dict[str, Any]:
    return {
        "Arn": arn(account, bus, name),
        "EventBusName": bus,
        "EventPattern": TEXT,
        "Name": name,
        "State": state,
    }


def test_put_list_with_prefix_describe_delete_rule(client: Any, account: str, bus: str) -> None:
    made = client.put_rule(Name="rule", EventPattern=TEXT, EventBusName=bus)
    assert plain(made) == {"RuleArn": arn(account, bus, "rule")}
    listed = client.list_rules(NamePrefix="rule", EventBusName=bus)
    assert plain(listed) == {"Rules": [described(account, bus, "rule")]}
    found = client.describe_rule(Name="rule", EventBusName=bus)
    assert plain(found) == {**described(account, bus, "rule"), "CreatedBy": account}
    assert plain(client.delete_rule(Name="rule", EventBusName=bus)) == {}
    assert plain(client.list_rules(NamePrefix="rule", EventBusName=bus)) == {"Rules": []}
    assert plain(client.delete_rule(Name="rule", EventBusName=bus)) == {}


def test_put_multiple_rules_with_same_name(client: Any, account: str) -> None:
    client.create_event_bus(Name="bus")
    for _ in range(2):
        made = client.put_rule(Name="rule", EventBusName="bus", EventPattern=TEXT)
        assert plain(made) == {"RuleArn": arn(account, "bus", "rule")}
    assert plain(client.list_rules(EventBusName="bus")) == {"Rules": [described(account, "bus", "rule")]}


def test_a_rule_that_is_put_again_keeps_its_targets_alone(client: Any, queue: Queue) -> None:
    client.put_rule(
        Name="rule", EventPattern=TEXT, Description="before", RoleArn=ROLE, State="DISABLED",
        Tags=[{"Key": "a", "Value": "1"}],
    )  # fmt: skip
    client.put_targets(Rule="rule", Targets=[{"Id": "1", "Arn": queue().arn}])
    named = client.put_rule(
        Name="rule", EventPattern='{"source":["other"]}', Tags=[{"Key": "b", "Value": "2"}]
    )["RuleArn"]
    found = client.describe_rule(Name="rule")
    assert (found["EventPattern"], found["State"]) == ('{"source":["other"]}', "ENABLED")
    assert not {"Description", "RoleArn"} & set(found)
    assert len(client.list_targets_by_rule(Rule="rule")["Targets"]) == 1
    assert client.list_tags_for_resource(ResourceARN=named)["Tags"] == [{"Key": "a", "Value": "1"}]


def test_list_rule_with_limit(client: Any, account: str) -> None:
    client.create_event_bus(Name="bus")
    for number in range(6):
        client.put_rule(Name=f"rule-{number}", EventBusName="bus", EventPattern=TEXT)
    every = [described(account, "bus", f"rule-{number}") for number in range(6)]
    first = client.list_rules(Limit=3, EventBusName="bus")
    assert first["Rules"] == every[:3]
    rest = client.list_rules(Limit=5, NextToken=first["NextToken"], EventBusName="bus")
    assert plain(rest) == {"Rules": every[3:]}


def test_describe_nonexistent_rule(client: Any) -> None:
    assert refused(client.describe_rule, Name="missing") == (
        "ResourceNotFoundException",
        "Rule missing does not exist on EventBus default.",
    )


def test_disable_re_enable_rule(client: Any, account: str, bus: str, queue: Queue) -> None:
    target = queue()
    client.put_rule(Name="rule", EventPattern=TEXT, EventBusName=bus)
    client.put_targets(Rule="rule", EventBusName=bus, Targets=[{"Id": "1", "Arn": target.arn}])
    for operation, state, events in (
        (client.disable_rule, "DISABLED", 0),
        (client.enable_rule, "ENABLED", 1),
    ):
        assert plain(operation(Name="rule", EventBusName=bus)) == {}
        found = client.describe_rule(Name="rule", EventBusName=bus)
        assert plain(found) == {**described(account, bus, "rule", state), "CreatedBy": account}
        client.put_events(Entries=[entry(EventBusName=bus)])
        assert len(target.bodies()) == events


def test_delete_rule_with_targets(client: Any, queue: Queue) -> None:
    client.put_rule(Name="rule", EventPattern=TEXT)
    client.put_targets(Rule="rule", Targets=[{"Id": "1", "Arn": queue().arn}])
    assert refused(client.delete_rule, Name="rule") == (
        "ValidationException",
        "Rule can't be deleted since it has targets.",
    )


def test_update_rule_with_targets(client: Any, account: str, queue: Queue) -> None:
    client.put_rule(Name="rule", EventPattern=TEXT)
    target = {"Id": "1", "Arn": queue().arn}
    client.put_targets(Rule="rule", Targets=[target])
    assert plain(client.list_targets_by_rule(Rule="rule")) == {"Targets": [target]}
    assert plain(client.put_rule(Name="rule", EventPattern=TEXT)) == {
        "RuleArn": arn(account, "default", "rule")
    }
    assert plain(client.list_targets_by_rule(Rule="rule")) == {"Targets": [target]}


def test_list_rule_names_by_target(client: Any, bus: str, queue: Queue) -> None:
    target = queue()
    for number in range(5):
        client.put_rule(Name=f"rule-{number}", EventPattern=TEXT, EventBusName=bus)
        if number < 3:
            client.put_targets(
                Rule=f"rule-{number}", EventBusName=bus, Targets=[{"Id": "1", "Arn": target.arn}]
            )
    found = client.list_rule_names_by_target(TargetArn=target.arn, EventBusName=bus)
    assert plain(found) == {"RuleNames": ["rule-0", "rule-1", "rule-2"]}


def test_list_rule_names_by_target_with_limit(client: Any, bus: str, queue: Queue) -> None:
    target = queue()
    for number in range(5):
        client.put_rule(Name=f"rule-{number}", EventPattern=TEXT, EventBusName=bus)
        client.put_targets(Rule=f"rule-{number}", EventBusName=bus, Targets=[{"Id": "1", "Arn": target.arn}])
    pages: list[list[str]] = []
    token: dict[str, str] = {}
    while True:
        page = client.list_rule_names_by_target(TargetArn=target.arn, EventBusName=bus, Limit=2, **token)
        pages.append(page["RuleNames"])
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert pages == [["rule-0", "rule-1"], ["rule-2", "rule-3"], ["rule-4"]]


def test_list_rule_names_by_target_no_matches(client: Any, bus: str, account: str) -> None:
    found = client.list_rule_names_by_target(
        TargetArn=f"arn:aws:sqs:us-east-1:{account}:none", EventBusName=bus
    )
    assert plain(found) == {"RuleNames": []}


def test_put_list_remove_target(client: Any, bus: str, queue: Queue) -> None:
    client.put_rule(Name="rule", EventPattern=TEXT, EventBusName=bus)
    target = {"Id": "1", "Arn": queue().arn}
    where = {"Rule": "rule", "EventBusName": bus}
    nothing_failed = {"FailedEntries": [], "FailedEntryCount": 0}
    assert plain(client.put_targets(**where, Targets=[target])) == nothing_failed
    assert plain(client.list_targets_by_rule(**where)) == {"Targets": [target]}
    assert plain(client.remove_targets(**where, Ids=["1"])) == nothing_failed
    assert plain(client.list_targets_by_rule(**where)) == {"Targets": []}
    failed = client.remove_targets(**where, Ids=["1"])
    assert failed["FailedEntryCount"] == 1
    assert failed["FailedEntries"][0]["ErrorCode"] == "ResourceNotFoundException"


def test_add_exceed_fife_targets_per_rule(client: Any, queue: Queue) -> None:
    client.put_rule(Name="rule", EventPattern=TEXT)
    target = queue()
    targets = [{"Id": str(number), "Arn": target.arn} for number in range(7)]
    assert refused(client.put_targets, Rule="rule", Targets=targets) == (
        "LimitExceededException",
        "The requested resource exceeds the maximum number allowed.",
    )


def test_list_target_by_rule_limit(client: Any, queue: Queue) -> None:
    client.put_rule(Name="rule", EventPattern=TEXT)
    target = queue()
    targets = [{"Id": str(number), "Arn": target.arn} for number in range(5)]
    client.put_targets(Rule="rule", Targets=targets)
    first = client.list_targets_by_rule(Rule="rule", Limit=3)
    assert first["Targets"] == targets[:3]
    rest = client.list_targets_by_rule(Rule="rule", Limit=5, NextToken=first["NextToken"])
    assert plain(rest) == {"Targets": targets[3:]}


def test_put_target_id_validation(client: Any, queue: Queue) -> None:
    client.put_rule(Name="rule", EventPattern=TEXT)
    target = queue()
    long = "x" * 65
    for given, constraint in (
        ("!@#$@!#$", r"satisfy regular expression pattern: [\.\-_A-Za-z0-9]+"),
        (long, "have length less than or equal to 64"),
    ):
        said = (
            f"1 validation error detected: Value '{given}' at 'targets.1.member.id' failed to satisfy"
            f" constraint: Member must {constraint}"
        )
        targets = [{"Id": given, "Arn": target.arn}]
        assert refused(client.put_targets, Rule="rule", Targets=targets) == ("ValidationException", said)


@pytest.mark.parametrize("rules", [["one"], ["one", "two"]])
def test_put_multiple_targets_with_same_id(client: Any, queue: Queue, rules: list[str]) -> None:
    """Within a rule the second replaces the first, across rules each has its own."""
    target = queue()
    for rule in rules:
        client.put_rule(Name=rule, EventPattern=TEXT)
    given = [
        {"Id": "target-id", "Arn": target.arn, "InputPath": path} for path in ("$.detail", "$.notexisting")
    ]
    client.put_targets(Rule=rules[0], Targets=[given[0]])
    client.put_targets(Rule=rules[-1], Targets=[given[1]])
    found = [client.list_targets_by_rule(Rule=rule)["Targets"] for rule in rules]
    assert found == ([[given[1]]] if len(rules) == 1 else [[given[0]], [given[1]]])


@pytest.mark.parametrize("rules", [["one"], ["one", "two"]])
def test_put_multiple_targets_with_same_arn(client: Any, queue: Queue, rules: list[str]) -> None:
    target = queue()
    for rule in rules:
        client.put_rule(Name=rule, EventPattern=TEXT)
    one = {"Id": "one", "Arn": target.arn, "InputPath": "$.detail"}
    two = {"Id": "two", "Arn": target.arn, "InputPath": "$.doesnotexist"}
    client.put_targets(Rule=rules[0], Targets=[one])
    client.put_targets(Rule=rules[-1], Targets=[two])
    found = [client.list_targets_by_rule(Rule=rule)["Targets"] for rule in rules]
    assert found == ([[one, two]] if len(rules) == 1 else [[one], [two]])


def test_every_member_of_a_target_is_told_as_it_was_given(client: Any, account: str, queue: Queue) -> None:
    client.put_rule(Name="rule", EventPattern=TEXT)
    letters = {"Arn": queue("letters").arn}
    targets = [
        {
            "Id": "1",
            "Arn": f"arn:aws:sqs:us-east-1:{account}:some.fifo",
            "Input": '{"constant":1}',
            "SqsParameters": {"MessageGroupId": "group"},
            "RetryPolicy": {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60},
            "DeadLetterConfig": letters,
        },
        {
            "Id": "2",
            "Arn": f"arn:aws:kinesis:us-east-1:{account}:stream/s",
            "RoleArn": ROLE,
            "InputTransformer": {"InputPathsMap": {"c": "$.detail.command"}, "InputTemplate": '"<c>"'},
            "KinesisParameters": {"PartitionKeyPath": "$.id"},
        },
    ]
    client.put_targets(Rule="rule", Targets=targets)
    assert client.list_targets_by_rule(Rule="rule")["Targets"] == targets


def test_what_targets_get(client: Any, queue: Queue) -> None:
    client.put_rule(Name="rule", EventPattern=TEXT)
    inputs: list[tuple[dict[str, Any], Any]] = [
        ({"Input": '{"constant":[1,2]}'}, {"constant": [1, 2]}),
        ({"InputPath": "$.detail.payload"}, {"acc_id": "0a787ecb-4015", "sf_id": "baz"}),
        (
            {
                "InputTransformer": {
                    "InputPathsMap": {"command": "$.detail.command"},
                    "InputTemplate": '{"do":"<command>","by":<aws.events.rule-name>}',
                }
            },
            {"do": "update-account", "by": "rule"},
        ),
    ]
    targets = [queue(str(number)) for number in range(len(inputs))]
    client.put_targets(
        Rule="rule",
        Targets=[
            {"Id": str(number), "Arn": target.arn, **inputs[number][0]}
            for number, target in enumerate(targets)
        ],
    )
    client.put_events(Entries=[entry()])
    assert [target.bodies() for target in targets] == [[expected] for _, expected in inputs]


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ({"Arn": "queue"}, "Parameter queue is not valid. Reason: Provided Arn is not in correct format."),
        (
            {"Arn": "arn:aws:rds:us-east-1:0:db:a"},
            "Parameter arn:aws:rds:us-east-1:0:db:a is not valid. Reason: rds is not a supported service for a target.",
        ),
        (
            {"Arn": "arn:aws:sqs:us-east-1:000000000000:q.fifo"},
            "Parameter(s) SqsParameters must be specified for target: 1.",
        ),
        (
            {"Arn": "arn:aws:kinesis:us-east-1:000000000000:stream/s"},
            "RoleArn is required for target arn:aws:kinesis:us-east-1:000000000000:stream/s.",
        ),
        (
            {"Arn": "arn:aws:sqs:us-east-1:000000000000:q", "Input": "{}", "InputPath": "$"},
            "Only one of Input, InputPath, or InputTransformer must be provided for target 1.",
        ),
        (
            {"Arn": "arn:aws:sqs:us-east-1:000000000000:q", "Input": "{"},
            "JSON syntax error in input for target 1",
        ),
    ],
)
def test_targets_that_are_refused(client: Any, target: dict[str, Any], message: str) -> None:
    client.put_rule(Name="rule", EventPattern=TEXT)
    refusal = refused(client.put_targets, Rule="rule", Targets=[{"Id": "1", **target}])
    assert refusal == ("ValidationException", message)


@pytest.mark.parametrize(
    ("members", "code", "message"),
    [
        (
            {},
            "ValidationException",
            "Parameter(s) EventPattern or ScheduleExpression must be specified.",
        ),
        (
            {"ScheduleExpression": "rate(5 minute)"},
            "ValidationException",
            "Parameter ScheduleExpression is not valid.",
        ),
        (
            {"ScheduleExpression": "rate(5 minutes)", "EventBusName": "bus"},
            "ValidationException",
            "ScheduleExpression is supported only on the default event bus.",
        ),
        ({"EventPattern": "{"}, "InvalidEventPatternException", "Event pattern is not valid. Reason: "),
        (
            {"EventPattern": TEXT, "EventBusName": "missing"},
            "ResourceNotFoundException",
            "Event bus missing does not exist.",
        ),
    ],
)
def test_rules_that_are_refused(client: Any, members: dict[str, Any], code: str, message: str) -> None:
    client.create_event_bus(Name="bus")
    refusal = refused(client.put_rule, Name="rule", **members)
    assert refusal[0] == code
    assert refusal[1].startswith(message)


def test_targets_of_rules_that_there_are_not(client: Any, queue: Queue) -> None:
    missing = ("ResourceNotFoundException", "Rule missing does not exist on EventBus default.")
    target = {"Id": "1", "Arn": queue().arn}
    assert refused(client.put_targets, Rule="missing", Targets=[target]) == missing
    assert refused(client.list_targets_by_rule, Rule="missing") == missing
    assert refused(client.remove_targets, Rule="missing", Ids=["1"]) == missing
    assert refused(client.enable_rule, Name="missing") == missing
    fifo = {"Id": "1", "Arn": f"{queue('other').arn}.fifo"}
    assert refused(client.put_targets, Rule="missing", Targets=[fifo]) == (
        "ValidationException",
        "Parameter(s) SqsParameters must be specified for target: 1.",
    )


def test_what_a_queue_does_not_take_is_in_the_dead_letter_queue(
    client: Any, account: str, queue: Queue
) -> None:
    letters = queue("letters")
    gone = f"arn:aws:sqs:us-east-1:{account}:gone"
    client.put_rule(Name="rule", EventPattern=TEXT)
    client.put_targets(
        Rule="rule",
        Targets=[{"Id": "1", "Arn": gone, "InputPath": "$.detail", "DeadLetterConfig": {"Arn": letters.arn}}],
    )
    (put,) = client.put_events(Entries=[entry()])["Entries"]
    (message,) = letters.messages()
    assert json.loads(message.body)["id"] == put["EventId"]
    attributes = {name: one["StringValue"] for name, one in json.loads(message.attributes).items()}
    assert attributes == {
        "RULE_ARN": arn(account, "default", "rule"),
        "TARGET_ARN": gone,
        "ERROR_CODE": "NO_RESOURCE",
        "ERROR_MESSAGE": "The specified queue does not exist.",
        "RETRY_ATTEMPTS": "0",
    }
