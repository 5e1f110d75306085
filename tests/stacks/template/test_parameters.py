"""Values of parameters: types, constraints, Parameter Store, and what is shown of them."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest
from tests.stacks.template.conftest import ACCOUNT, REGION, Services, read

from lambent.neighbours.service_calls import ServiceFailure
from lambent.stacks.errors import ValidationError
from lambent.stacks.template import ParameterValues, UsePrevious, parameter_values

if TYPE_CHECKING:
    from collections.abc import Mapping


async def values_of(
    parameters: dict[str, Any],
    given: Mapping[str, str | UsePrevious] | None = None,
    previous: Mapping[str, Any] | None = None,
    services: Services | None = None,
) -> ParameterValues:
    ask = (services or Services()).ask
    template = read(Parameters=parameters)
    return await parameter_values(template, given or {}, previous or {}, ask, ACCOUNT, REGION)


async def refusal(
    parameters: dict[str, Any],
    given: Mapping[str, str | UsePrevious] | None = None,
    services: Services | None = None,
) -> str:
    with pytest.raises(ValidationError) as refused:
        await values_of(parameters, given, {}, services)
    return str(refused.value)


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("String", "a, b", "a, b"),
        ("String", "", ""),
        ("Number", "3.50", "3.50"),
        ("Number", "-7", "-7"),
        ("List<Number>", "1, 2 ,3", ["1", "2", "3"]),
        ("CommaDelimitedList", " a,b , ,c", ["a", "b", "", "c"]),
        ("CommaDelimitedList", "", [""]),
        ("AWS::EC2::VPC::Id", "vpc-1", "vpc-1"),
        ("List<AWS::EC2::Subnet::Id>", "s-1,s-2", ["s-1", "s-2"]),
    ],
)
async def test_values_by_type(kind: str, text: str, value: Any) -> None:
    found = await values_of({"P": {"Type": kind}}, {"P": text})
    assert found.values == {"P": value}
    assert found.given == {"P": text}
    assert found.described() == [{"ParameterKey": "P", "ParameterValue": text}]


async def test_defaults_given_and_kept_values() -> None:
    parameters = {
        "Kept": {"Type": "String", "Default": "new default"},
        "Given": {"Type": "String", "Default": "d"},
        "Default": {"Type": "Number", "Default": 5},
        "Secret": {"Type": "String", "NoEcho": "true"},
    }
    given: dict[str, str | UsePrevious] = {"Kept": UsePrevious(), "Given": "g", "Secret": UsePrevious()}
    previous = {"Kept": "old", "Given": "x", "Default": "6", "Secret": "hunter2"}
    found = await values_of(parameters, given, previous)
    assert found.values == {"Kept": "old", "Given": "g", "Default": "5", "Secret": "hunter2"}
    assert found.given == found.values
    assert list(found.values) == list(parameters)
    assert found.described() == [
        {"ParameterKey": "Kept", "ParameterValue": "old"},
        {"ParameterKey": "Given", "ParameterValue": "g"},
        {"ParameterKey": "Default", "ParameterValue": "5"},
        {"ParameterKey": "Secret", "ParameterValue": "****"},
    ]


@pytest.mark.parametrize(
    ("declared", "given", "problem"),
    [
        ({"AllowedValues": ["a", "b"]}, "c", "be one of AllowedValues"),
        ({"Type": "CommaDelimitedList", "AllowedValues": ["a", "b"]}, "a,c", "be one of AllowedValues"),
        ({"Type": "Number"}, "many", "be a number"),
        ({"Type": "Number"}, "", "be a number"),
        ({"Type": "Number"}, "inf", "be a number"),
        ({"Type": "Number"}, "1_000", "be a number"),
        ({"Type": "List<Number>"}, "1,x", "be a list of numbers"),
        ({"Type": "Number", "MinValue": 2}, "1.5", "be a number not less than 2"),
        ({"Type": "Number", "MaxValue": 2.5}, "3", "be a number not greater than 2.5"),
        ({"MinLength": 2}, "a", "contain at least 2 characters"),
        ({"MaxLength": "2"}, "abc", "contain at most 2 characters"),
        ({"AllowedPattern": "[a-z]+"}, "a1", "match pattern [a-z]+"),
        ({"AllowedPattern": "a|ab"}, "abc", "match pattern a|ab"),
        ({"AllowedPattern": r"\p{Upper}[\p{Digit}\p{Lower}]+"}, "A_", r"match pattern \p{Upper}[\p{Digit}\p{Lower}]+"),
        ({"Type": "CommaDelimitedList", "AllowedPattern": "[a-z]"}, "a,B", "match pattern [a-z]"),
    ],
)  # fmt: skip
async def test_constraints(declared: dict[str, Any], given: str, problem: str) -> None:
    declared = {"Type": "String"} | declared
    assert await refusal({"P": declared}, {"P": given}) == f"Parameter 'P' must {problem}"
    own = declared | {"ConstraintDescription": "so it is"}
    assert await refusal({"P": own}, {"P": given}) == "Parameter P failed to satisfy constraint: so it is"
    assert await refusal({"P": declared | {"Default": given}}) == f"Parameter 'P' must {problem}"


@pytest.mark.parametrize(
    ("declared", "given"),
    [
        ({"AllowedValues": [1, True]}, "1"),
        ({"Type": "Number", "MinValue": 1, "MaxValue": 1}, "1.0"),
        ({"MinLength": 2, "MaxLength": 2}, "ab"),
        ({"AllowedPattern": "a|ab"}, "ab"),
        ({"AllowedPattern": r"^\p{Upper}[\p{Digit}\p{Lower}]+\]$"}, "A1b]"),
        ({"Type": "AWS::SSM::Parameter::Value<Number>", "MaxValue": 1}, "name"),
    ],
)
async def test_what_constraints_allow(declared: dict[str, Any], given: str) -> None:
    services = Services()
    services.parameter("name", "5")
    found = await values_of({"P": {"Type": "String"} | declared}, {"P": given}, {}, services)
    assert found.given == {"P": given}


async def test_patterns_that_are_none() -> None:
    declared = {"Type": "String", "AllowedPattern": "[a"}
    assert await refusal({"P": declared}, {"P": "a"}) == (
        "Parameter 'P' AllowedPattern must be a valid regular expression."
    )


async def test_expressions_that_go_back_for_ever_hold_up_nobody() -> None:
    parameters = {
        "Easy": {"Type": "String", "AllowedPattern": "[a-z]+", "Default": "abc"},
        "Fine": {"Type": "String", "AllowedPattern": "(a+)+", "Default": "a" * 40},
        "Hard": {"Type": "String", "AllowedPattern": "(a+)+$", "Default": "a" * 40 + "!"},
    }
    refused = asyncio.ensure_future(refusal(parameters))
    longest, before = 0.0, time.monotonic()
    while not refused.done():
        await asyncio.wait([refused], timeout=0.01)
        longest, before = max(longest, time.monotonic() - before), time.monotonic()
    assert await refused == "Parameter 'Hard' must match pattern (a+)+$"
    assert longest < 1
    del parameters["Hard"]
    assert (await values_of(parameters)).values == {"Easy": "abc", "Fine": "a" * 40}


async def test_missing_unknown_and_never_given() -> None:
    parameters = {"M": {"Type": "String"}, "N": {"Type": "String"}, "C": {"Type": "String", "Default": ""}}
    assert await refusal(parameters) == "Parameters: [M, N] must have values"
    assert await refusal(parameters, {"X": "1", "M": "2", "Y": "3"}) == (
        "Parameters: [X, Y] do not exist in the template"
    )
    assert await refusal(parameters, {"M": UsePrevious()}) == (
        "Invalid input for parameter key M. Cannot specify usePreviousValue as true for a parameter key not in the "
        "previous template"
    )


# --- Parameter Store -------------------------------------------------------------------------------------------------

SSM = "AWS::SSM::Parameter::Value"


async def test_values_of_parameter_store(services: Services) -> None:
    services.parameter("/one", "1, 2")
    services.parameter("/two:3", "ami-1")
    services.parameter("/list", "a,b , c", "StringList")
    parameters = {
        "One": {"Type": f"{SSM}<String>", "Default": "/one"},
        "Again": {"Type": f"{SSM}<String>", "Default": "/one"},
        "Two": {"Type": f"{SSM}<AWS::EC2::Image::Id>", "Default": "/two:3"},
        "List": {"Type": f"{SSM}<CommaDelimitedList>", "Default": "/list"},
        "Ids": {"Type": f"{SSM}<List<AWS::EC2::Subnet::Id>>", "Default": "/list"},
        "Secret": {"Type": f"{SSM}<String>", "Default": "/one", "NoEcho": True},
        "Name": {"Type": "AWS::SSM::Parameter::Name", "Default": "/one"},
    }
    found = await values_of(parameters, {}, {}, services)
    assert found.values == {
        "One": "1, 2", "Again": "1, 2", "Two": "ami-1", "List": ["a", "b", "c"], "Ids": ["a", "b", "c"],
        "Secret": "1, 2", "Name": "/one",
    }  # fmt: skip
    assert found.given["List"] == "/list"
    shown = {one["ParameterKey"]: one for one in found.described()}
    assert shown["List"] == {
        "ParameterKey": "List",
        "ParameterValue": "/list",
        "ResolvedValue": "a,b , c",
    }
    assert shown["Secret"] == {
        "ParameterKey": "Secret",
        "ParameterValue": "****",
        "ResolvedValue": "****",
    }
    assert "ResolvedValue" not in shown["Name"]


@pytest.mark.parametrize(
    ("kind", "name", "message"),
    [
        (f"{SSM}<String>", "/nope", "Unable to fetch parameters [/nope] from parameter store for this account."),
        (f"{SSM}<String>", "/old:9", "Unable to fetch parameters [/old:9] from parameter store for this account."),
        (f"{SSM}<String>", "/secret",
            "Parameters [/secret] referenced by template have types not supported by CloudFormation."),
        (f"{SSM}<String>", "/list",
            "Types for SSM parameters [/list] defined in CFN template and SSM are incompatible"),
        (f"{SSM}<List<String>>", "/text",
            "Types for SSM parameters [/text] defined in CFN template and SSM are incompatible"),
        ("AWS::SSM::Parameter::Name", "/nope",
            "Parameter validation failed: parameter value /nope for parameter name P does not exist"),
        (f"{SSM}<String>", "/denied", "No."),
    ],
)  # fmt: skip
async def test_what_parameter_store_has_not(services: Services, kind: str, name: str, message: str) -> None:
    services.parameter("/text", "x")
    services.parameter("/list", "x,y", "StringList")
    services.parameter("/secret", "x", "SecureString")
    get = "ssm", "GetParameter"
    services.answers[*get, "/old:9"] = ServiceFailure(*get, "ParameterVersionNotFound", "", 400)
    services.answers[*get, "/denied"] = ServiceFailure(*get, "AccessDeniedException", "No.", 400)
    assert await refusal({"P": {"Type": kind}}, {"P": name}, services) == message
