from __future__ import annotations

import datetime
import time
from typing import TYPE_CHECKING, Any

import botocore.session
import pytest

from lambent.aws.model import snake_case
from lambent.aws.scheduler import SchedulerService

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.aws.scheduler.conftest import ControlPlane

    Refused = Callable[..., tuple[int, str, str]]

ROLE = "arn:aws:iam::000000000000:role/any"
QUEUE = "arn:aws:sqs:us-east-1:000000000000:orders"
FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:hello"
ARN = "arn:aws:scheduler:us-east-1:000000000000"
POLICY = {"MaximumEventAgeInSeconds": 86400, "MaximumRetryAttempts": 185}


def wanted(name: str, **changes: Any) -> dict[str, Any]:
    """A request for a schedule that will not happen in a test."""
    return {
        "Name": name,
        "ScheduleExpression": "cron(0 0 1 1 ? 2190)",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": {"Arn": QUEUE, "RoleArn": ROLE},
        **changes,
    }


def test_every_operation_of_the_model_is_there() -> None:
    model = botocore.session.get_session().get_service_model("scheduler")
    assert [name for name in model.operation_names if not hasattr(SchedulerService, snake_case(name))] == []


def test_a_schedule_as_it_is_described(scheduler: Any) -> None:
    made = scheduler.create_schedule(**wanted("nightly"))
    assert made["ScheduleArn"] == f"{ARN}:schedule/default/nightly"
    found = scheduler.get_schedule(Name="nightly")
    del found["ResponseMetadata"]
    created, modified = found.pop("CreationDate"), found.pop("LastModificationDate")
    assert created == modified
    assert abs(created.timestamp() - time.time()) < 60
    # Recorded: resource_providers/test_scheduler.py::test_schedule_and_group, without the window.
    assert found == {
        "ActionAfterCompletion": "NONE",
        "Arn": made["ScheduleArn"],
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "GroupName": "default",
        "Name": "nightly",
        "ScheduleExpression": "cron(0 0 1 1 ? 2190)",
        "ScheduleExpressionTimezone": "UTC",
        "State": "ENABLED",
        "Target": {"Arn": QUEUE, "RoleArn": ROLE, "RetryPolicy": POLICY},
    }


def test_every_setting_comes_back_and_an_update_replaces_them_all(
    plane: ControlPlane, scheduler: Any
) -> None:
    start = datetime.datetime(2100, 1, 1, tzinfo=datetime.UTC)
    settings: dict[str, Any] = {
        "ScheduleExpression": "rate(5 minutes)",
        "ScheduleExpressionTimezone": "Europe/Berlin",
        "StartDate": start,
        "EndDate": start + datetime.timedelta(days=1),
        "Description": "every now and then",
        "State": "DISABLED",
        "KmsKeyArn": "arn:aws:kms:us-east-1:000000000000:key/1",
        "FlexibleTimeWindow": {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 5},
        "ActionAfterCompletion": "DELETE",
        "Target": {
            "Arn": f"{QUEUE}.fifo",
            "RoleArn": ROLE,
            "Input": "text",
            "DeadLetterConfig": {"Arn": QUEUE},
            "RetryPolicy": {"MaximumEventAgeInSeconds": 60, "MaximumRetryAttempts": 0},
            "SqsParameters": {"MessageGroupId": "one"},
        },
    }
    scheduler.create_schedule(Name="all", **settings)
    plane.restart()
    client = plane.client()
    found = client.get_schedule(Name="all")
    assert {name: found[name] for name in settings} == settings
    client.update_schedule(**wanted("all"))
    found = client.get_schedule(Name="all")
    assert "Description" not in found
    assert "StartDate" not in found
    assert (found["State"], found["ActionAfterCompletion"]) == ("ENABLED", "NONE")
    assert found["Target"] == {"Arn": QUEUE, "RoleArn": ROLE, "RetryPolicy": POLICY}
    assert found["LastModificationDate"] > found["CreationDate"]


# Recorded: test_scheduler.py::tests_create_schedule_with_invalid_schedule_expression; the last two are alike.
@pytest.mark.parametrize(
    "expression",
    [
        "cron(0 1 * * * *)",
        "cron(7 20 * * NOT *)",
        "cron(INVALID)",
        "cron(0 dummy ? * MON-FRI *)",
        "cron(71 8 1 * ? *)",
        "cron()",
        "rate(10 seconds)",
        "rate(10 years)",
        "rate()",
        "rate(10)",
        "rate(10 minutess)",
        "rate(foo minutes)",
        "rate(-10 minutes)",
        "rate( 10 minutes )",
        " rate(10 minutes)",
        "at(2021-12-31T23:59:59Z)",
        "at(2021-12-31)",
        "rate(0 minutes)",
        "at(2021-13-31T23:59:59)",
    ],
)
def test_expressions_that_are_refused(
    plane: ControlPlane, scheduler: Any, refused: Refused, expression: str
) -> None:
    answer = refused(scheduler.create_schedule, **wanted("a", ScheduleExpression=expression))
    assert answer == (400, "ValidationException", f"Invalid Schedule Expression {expression}.")


def test_what_the_model_says_is_checked(scheduler: Any, refused: Refused) -> None:
    status, code, message = refused(
        scheduler.create_schedule, **wanted("a", Target={"Arn": QUEUE, "RoleArn": "n/a"})
    )
    assert (status, code) == (400, "ValidationException")
    assert message == (
        "1 validation error detected: Value 'n/a' at 'target.roleArn' failed to satisfy constraint: Member must"
        r" satisfy regular expression pattern: arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@\/-]+"
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"ScheduleExpressionTimezone": "Mars/Olympus"}, "Mars/Olympus"),
        ({"StartDate": 1_500_000_000}, "The StartDate you specify cannot be earlier than 5 minutes ago."),
        ({"EndDate": 1_500_000_000}, "EndDate"),
        ({"StartDate": 4_200_000_000, "EndDate": 4_100_000_000}, "EndDate"),
        ({"FlexibleTimeWindow": {"Mode": "FLEXIBLE"}}, "MaximumWindowInMinutes"),
        ({"Target": {"Arn": "queue", "RoleArn": ROLE}}, "Provided Arn is not in correct format."),
        ({"Target": {"Arn": "arn:aws:glue:us-east-1:000000000000:job/a", "RoleArn": ROLE}}, "Provided Arn"),
        (
            {"Target": {"Arn": "arn:aws:events:us-east-1:000000000000:api-destination/a", "RoleArn": ROLE}},
            "Provided Arn",
        ),
        ({"Target": {"Arn": FUNCTION, "RoleArn": ROLE, "Input": "text"}}, "JSON"),
        ({"Target": {"Arn": f"{QUEUE}.fifo", "RoleArn": ROLE}}, "MessageGroupId"),
        ({"Target": {"Arn": QUEUE, "RoleArn": ROLE, "Input": "x" * 262_145}}, "262144"),
        (
            {
                "Target": {
                    "Arn": "arn:aws:scheduler:::aws-sdk:sqs:getQueueUrl",
                    "RoleArn": ROLE,
                    "Input": "{}",
                }
            },
            "getQueueUrl",
        ),
        (
            {"Target": {"Arn": "arn:aws:scheduler:::aws-sdk:sqs:sendMessage", "RoleArn": ROLE, "Input": "x"}},
            "JSON",
        ),
    ],
)
def test_settings_that_are_refused(
    scheduler: Any, refused: Refused, changes: dict[str, Any], said: str
) -> None:
    status, code, message = refused(scheduler.create_schedule, **wanted("a", **changes))
    assert (status, code) == (400, "ValidationException")
    assert said in message
    scheduler.create_schedule(**wanted("a"))
    assert refused(scheduler.update_schedule, **wanted("a", **changes)) == (status, code, message)


def test_names_that_are_taken_and_names_of_nothing(scheduler: Any, refused: Refused) -> None:
    scheduler.create_schedule(**wanted("a"))
    assert refused(scheduler.create_schedule, **wanted("a")) == (
        409,
        "ConflictException",
        "Schedule a already exists.",
    )
    missing = (404, "ResourceNotFoundException", "Schedule b does not exist.")
    assert refused(scheduler.get_schedule, Name="b") == missing
    assert refused(scheduler.update_schedule, **wanted("b")) == missing
    assert refused(scheduler.delete_schedule, Name="b") == missing
    missing = (404, "ResourceNotFoundException", "Schedule group none does not exist.")
    assert refused(scheduler.get_schedule, Name="a", GroupName="none") == missing
    assert refused(scheduler.create_schedule, **wanted("a", GroupName="none")) == missing
    assert refused(scheduler.list_schedules, GroupName="none") == missing
    assert refused(scheduler.get_schedule_group, Name="none") == missing
    assert refused(scheduler.delete_schedule_group, Name="none") == missing
    scheduler.delete_schedule(Name="a")
    assert refused(scheduler.get_schedule, Name="a")[0] == 404


def test_the_same_request_again_is_answered_by_its_token(scheduler: Any, refused: Refused) -> None:
    first = scheduler.create_schedule(**wanted("a", ClientToken="once"))
    again = scheduler.create_schedule(**wanted("a", ClientToken="once"))
    assert first["ScheduleArn"] == again["ScheduleArn"]
    other = wanted("a", ClientToken="once", Description="another")
    assert refused(scheduler.create_schedule, **other)[1] == "ConflictException"
    scheduler.create_schedule_group(Name="g", ClientToken="once")
    scheduler.create_schedule_group(Name="g", ClientToken="once")
    assert refused(scheduler.create_schedule_group, Name="g", ClientToken="twice") == (
        409,
        "ConflictException",
        "Schedule group g already exists.",
    )


def test_groups(plane: ControlPlane, scheduler: Any, refused: Refused) -> None:
    made = scheduler.create_schedule_group(Name="team")
    assert made["ScheduleGroupArn"] == f"{ARN}:schedule-group/team"
    group = scheduler.get_schedule_group(Name="team")
    assert (group["Arn"], group["Name"], group["State"]) == (made["ScheduleGroupArn"], "team", "ACTIVE")
    assert group["CreationDate"] == group["LastModificationDate"]
    assert scheduler.get_schedule_group(Name="default")["Arn"] == f"{ARN}:schedule-group/default"
    assert refused(scheduler.delete_schedule_group, Name="default")[:2] == (400, "ValidationException")
    assert refused(scheduler.create_schedule_group, Name="default")[1] == "ConflictException"
    elsewhere = plane.client("eu-west-1")
    assert [each["Name"] for each in elsewhere.list_schedule_groups()["ScheduleGroups"]] == ["default"]

    scheduler.create_schedule(**wanted("in", GroupName="team"))
    scheduler.create_schedule(**wanted("out"))
    plane.restart()
    client = plane.client()
    client.delete_schedule_group(Name="team")
    assert refused(client.get_schedule, Name="in", GroupName="team")[0] == 404
    assert [each["Name"] for each in client.list_schedules()["Schedules"]] == ["out"]


def test_listings_come_in_pages(scheduler: Any, refused: Refused) -> None:
    for name in ("blabla-1", "blabla-2", "other-1", "blabla-3"):
        scheduler.create_schedule_group(Name=name)
    pages = scheduler.get_paginator("list_schedule_groups").paginate(PaginationConfig={"PageSize": 2})
    names = [group["Name"] for page in pages for group in page["ScheduleGroups"]]
    assert names[0] == "default"
    assert sorted(names[1:]) == ["blabla-1", "blabla-2", "blabla-3", "other-1"]
    found = scheduler.list_schedule_groups(NamePrefix="blabla", MaxResults=2)
    assert len(found["ScheduleGroups"]) == 2
    assert "NextToken" in found

    for group in ("default", "other-1"):
        for name in ("sch1", "sch2", "x"):
            for state in ("ENABLED", "DISABLED"):
                scheduler.create_schedule(**wanted(f"{name}_{state}", GroupName=group, State=state))
    pages = scheduler.get_paginator("list_schedules").paginate(PaginationConfig={"PageSize": 5})
    every = [each for page in pages for each in page["Schedules"]]
    assert len({each["Arn"] for each in every}) == len(every) == 12
    assert every[0]["Target"] == {"Arn": QUEUE}
    assert len(scheduler.list_schedules(GroupName="other-1")["Schedules"]) == 6
    assert len(scheduler.list_schedules(State="ENABLED")["Schedules"]) == 6
    assert len(scheduler.list_schedules(NamePrefix="sch", State="ENABLED")["Schedules"]) == 4
    assert refused(scheduler.list_schedules, NextToken="?")[:2] == (400, "ValidationException")


def test_tags_of_groups(plane: ControlPlane, scheduler: Any, refused: Refused) -> None:
    arn = scheduler.create_schedule_group(Name="g", Tags=[{"Key": "a", "Value": "1"}])["ScheduleGroupArn"]
    scheduler.tag_resource(ResourceArn=arn, Tags=[{"Key": "b", "Value": "2"}, {"Key": "a", "Value": "3"}])
    plane.restart()
    client = plane.client()
    tags = client.list_tags_for_resource(ResourceArn=arn)["Tags"]
    assert tags == [{"Key": "a", "Value": "3"}, {"Key": "b", "Value": "2"}]
    client.untag_resource(ResourceArn=arn, TagKeys=["a", "c"])
    assert client.list_tags_for_resource(ResourceArn=arn)["Tags"] == [{"Key": "b", "Value": "2"}]
    default = f"{ARN}:schedule-group/default"
    client.tag_resource(ResourceArn=default, Tags=[{"Key": "d", "Value": "4"}])
    assert client.list_tags_for_resource(ResourceArn=default)["Tags"] == [{"Key": "d", "Value": "4"}]
    assert [each["Name"] for each in client.list_schedule_groups()["ScheduleGroups"]] == ["default", "g"]
    assert refused(client.list_tags_for_resource, ResourceArn=f"{ARN}:schedule-group/none")[0] == 404
    # Only groups have tags: the model's pattern says so.
    assert refused(client.list_tags_for_resource, ResourceArn=f"{ARN}:schedule/default/a")[0] == 400


def test_a_start_after_everything(scheduler: Any) -> None:
    changes = {"ScheduleExpression": "cron(0 0 1 1 ? *)", "StartDate": 253_402_300_799}
    scheduler.create_schedule(**wanted("never", ScheduleExpressionTimezone="Asia/Tokyo", **changes))
    assert scheduler.get_schedule(Name="never")["StartDate"].year == 9999


def test_what_comes_due_is_handed_over(plane: ControlPlane, scheduler: Any) -> None:
    scheduler.create_schedule(**wanted("now", ScheduleExpression="rate(1 minute)"))
    deadline = time.monotonic() + 10
    while not plane.handed.parcels:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert [parcel.target_arn for parcel in plane.handed.parcels] == [QUEUE]
