"""Dynamic references."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.stacks.template.conftest import ACCOUNT, REGION, Services

from lambent.neighbours.service_calls import ServiceFailure
from lambent.stacks.errors import ValidationError
from lambent.stacks.template import check_secure_references, resolve_dynamic

ARN = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:db-AbCdEf"


@pytest.fixture
def there(services: Services) -> Services:
    services.parameter("/p", "one")
    services.parameter("/p:2", "two")
    services.parameter("/s:1", "hidden", "SecureString")
    services.secret("db", json.dumps({"user": "u", "port": 5432, "deep": {"a": [1]}, "no": None}))
    services.secret(ARN, "plain")
    services.secret("bytes", b"\x00")
    services.secret("text", "no json")
    return services


async def resolved(services: Services, value: Any, *, secure: bool = True) -> Any:
    return await resolve_dynamic(value, services.ask, ACCOUNT, REGION, secure=secure)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("{{resolve:ssm:/p}}", "one"),
        ("{{resolve:ssm:/p:2}}", "two"),
        ("a-{{resolve:ssm:/p}}-{{resolve:ssm:/p:2}}-{{resolve:ssm:/p}}", "a-one-two-one"),
        ("{{resolve:ssm-secure:/s:1}}", "hidden"),
        ("{{resolve:ssm-secure:/p}}", "one"),
        ("{{resolve:secretsmanager:db:SecretString:user}}", "u"),
        ("{{resolve:secretsmanager:db:SecretString:user:AWSCURRENT}}", "u"),
        ("{{resolve:secretsmanager:db:SecretString:user::v-1}}", "u"),
        ("{{resolve:secretsmanager:db:SecretString:port}}", "5432"),
        ("{{resolve:secretsmanager:db:SecretString:deep}}", '{"a":[1]}'),
        (f"{{{{resolve:secretsmanager:{ARN}}}}}", "plain"),
        (f"{{{{resolve:secretsmanager:{ARN}:SecretString:::}}}}", "plain"),
        ("{{resolve:secretsmanager:text:SecretString}}", "no json"),
        ({"a": ["{{resolve:ssm:/p}}", {"b": "x"}, 7, None]}, {"a": ["one", {"b": "x"}, 7, None]}),
        ("{{resolve:other:/p}} {{resolve}} {{ resolve:ssm:/p }}",
            "{{resolve:other:/p}} {{resolve}} {{ resolve:ssm:/p }}"),
        ("nothing", "nothing"),
    ],
)  # fmt: skip
async def test_what_references_become(there: Services, value: Any, expected: Any) -> None:
    assert await resolved(there, value) == expected


async def test_each_reference_is_asked_for_once(there: Services) -> None:
    await resolved(there, ["{{resolve:ssm:/p}}", {"a": "{{resolve:ssm:/p}}{{resolve:ssm:/p:2}}"}])
    assert sorted(call.parameters["Name"] for call in there.calls) == ["/p", "/p:2"]


async def test_secrets_stay_as_they_are_where_they_are_shown(there: Services) -> None:
    value = ["{{resolve:ssm:/p}}", "{{resolve:ssm-secure:/s:1}}{{resolve:secretsmanager:db}}"]
    assert await resolved(there, value, secure=False) == ["one", value[1]]
    assert [call.service for call in there.calls] == ["ssm"]


async def test_versions_and_stages_are_asked_for(there: Services) -> None:
    await resolved(there, "{{resolve:secretsmanager:db:SecretString:user:AWSPREVIOUS}}")
    await resolved(there, "{{resolve:secretsmanager:db:SecretString:user::v-1}}")
    await resolved(there, "{{resolve:ssm-secure:/p}}{{resolve:ssm:/p:2}}")
    assert [call.parameters for call in there.calls] == [
        {"SecretId": "db", "VersionStage": "AWSPREVIOUS"},
        {"SecretId": "db", "VersionId": "v-1"},
        {"Name": "/p", "WithDecryption": True},
        {"Name": "/p:2", "WithDecryption": False},
    ]


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("ssm:/nope", "Unable to fetch parameters [/nope] from parameter store for this account."),
        ("ssm:/s:1", "Non-secure ssm prefix was used for secure parameter /s:1"),
        ("ssm:/p:latest", "Incorrect format is used in the following SSM reference: [{{resolve:ssm:/p:latest}}]"),
        ("ssm:", "Incorrect format is used in the following SSM reference: [{{resolve:ssm:}}]"),
        ("ssm:denied", ("No. (Service: AWSSimpleSystemsManagement; Status Code: 400; Error Code: "
            "AccessDeniedException; Request ID: r-2; Proxy: null)")),
        ("secretsmanager:nope", ("It is not there. (Service: AWSSecretsManager; Status Code: 400; Error Code: "
            "ResourceNotFoundException; Request ID: r-1; Proxy: null)")),
        ("secretsmanager:db:SecretBinary", ("Incorrect format is used in the following Secrets Manager reference: "
            "[{{resolve:secretsmanager:db:SecretBinary}}]")),
        ("secretsmanager:db:SecretString:a:b:c:d", ("Incorrect format is used in the following Secrets Manager "
            "reference: [{{resolve:secretsmanager:db:SecretString:a:b:c:d}}]")),
        ("secretsmanager:db:SecretString:nope", "Could not find a value associated with JSONKey in SecretString"),
        ("secretsmanager:text:SecretString:a", "Could not parse SecretString JSON"),
        ("secretsmanager:bytes", "Could not find a SecretString in the secret"),
    ],
)  # fmt: skip
async def test_the_words_of_a_failure(there: Services, reference: str, message: str) -> None:
    get = "ssm", "GetParameter"
    there.answers[*get, "denied"] = ServiceFailure(*get, "AccessDeniedException", "No.", 400, "r-2")
    with pytest.raises(ValidationError) as failed:
        await resolved(there, ["{{resolve:" + reference + "}}"])
    assert str(failed.value) == message


def test_secure_references_stand_where_they_may() -> None:
    secure = "{{resolve:ssm-secure:/s:1}}"
    check_secure_references(
        [
            (
                "AWS::RDS::DBInstance",
                {"MasterUserPassword": secure, "Tags": [{"Value": "{{resolve:ssm:/p}}"}]},
            ),
            ("AWS::IAM::User", {"LoginProfile": {"Password": secure}}),
        ]
    )
    with pytest.raises(ValidationError) as refused:
        check_secure_references(
            [("AWS::SQS::Queue", {"QueueName": secure}), ("Custom::X", {"List": [{"a": f"x{secure}"}]})]
        )
    assert str(refused.value) == (
        "SSM Secure reference is not supported in: [AWS::SQS::Queue/Properties/QueueName,Custom::X/Properties/List/a]"
    )
