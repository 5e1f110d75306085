"""Integrations and their responses through boto3."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Refused = Callable[..., tuple[int, str, str]]

FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:hello"
INVOKE_ARN = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{FUNCTION}/invocations"
BAD, LOST, TAKEN = (400, "BadRequestException"), (404, "NotFoundException"), (409, "ConflictException")


def lambda_proxy(api: Any, api_id: str, **members: Any) -> str:
    made = api.create_integration(
        ApiId=api_id,
        **{
            "IntegrationType": "AWS_PROXY",
            "IntegrationUri": FUNCTION,
            "PayloadFormatVersion": "2.0",
            **members,
        },
    )
    return str(made["IntegrationId"])


def test_integrations_as_aws_describes_them(api: Any, http_api: str, websocket_api: str, plain: Any) -> None:
    def made(api_id: str, **members: Any) -> dict[str, Any]:
        answer = plain(api.create_integration(ApiId=api_id, **members))
        assert re.fullmatch("[a-z0-9]{7}", answer.pop("IntegrationId"))
        return dict(answer)

    function = {"IntegrationType": "AWS_PROXY", "IntegrationUri": INVOKE_ARN}
    assert made(http_api, **function, PayloadFormatVersion="2.0") == {
        **function,
        "ConnectionType": "INTERNET",
        "IntegrationMethod": "POST",
        "PayloadFormatVersion": "2.0",
        "TimeoutInMillis": 30000,
    }
    proxy = {
        "IntegrationType": "HTTP_PROXY",
        "IntegrationUri": "https://example.com",
        "IntegrationMethod": "GET",
    }
    assert made(http_api, **proxy, PayloadFormatVersion="1.0") == {
        **proxy,
        "ConnectionType": "INTERNET",
        "PayloadFormatVersion": "1.0",
        "TimeoutInMillis": 30000,
    }
    assert made(websocket_api, IntegrationType="MOCK") == {
        "ConnectionType": "INTERNET",
        "IntegrationResponseSelectionExpression": "${integration.response.statuscode}",
        "IntegrationType": "MOCK",
        "PassthroughBehavior": "WHEN_NO_MATCH",
        "PayloadFormatVersion": "1.0",
        "TimeoutInMillis": 29000,
    }
    assert made(websocket_api, **function) == {
        **function,
        "ConnectionType": "INTERNET",
        "IntegrationMethod": "POST",
        "PassthroughBehavior": "WHEN_NO_MATCH",
        "PayloadFormatVersion": "1.0",
        "TimeoutInMillis": 29000,
    }


def test_parameters_are_laid_over_those_that_are_there(api: Any, http_api: str) -> None:
    integration_id = api.create_integration(
        ApiId=http_api,
        IntegrationType="HTTP_PROXY",
        IntegrationUri="https://example.com",
        IntegrationMethod="ANY",
        PayloadFormatVersion="1.0",
        Description="d",
        RequestParameters={"append:header.a": "'1'", "remove:querystring.q": "''"},
        ResponseParameters={"500": {"overwrite:statuscode": "403"}, "404": {"append:header.e": "'x'"}},
    )["IntegrationId"]
    changed = api.update_integration(
        ApiId=http_api,
        IntegrationId=integration_id,
        Description="",
        RequestParameters={"append:header.a": "", "append:header.b": "'2'"},
        ResponseParameters={"404": {}},
    )
    assert changed["RequestParameters"] == {"remove:querystring.q": "''", "append:header.b": "'2'"}
    assert changed["ResponseParameters"] == {"500": {"overwrite:statuscode": "403"}}
    assert "Description" not in changed


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({}, "PayloadFormatVersion is a required parameter for integration"),
        (
            {"PayloadFormatVersion": "2.0", "IntegrationMethod": "GET"},
            "HttpMethod must be POST for AWS_PROXY IntegrationType",
        ),
        ({"PayloadFormatVersion": "3.0"}, "Unsupported PayloadFormatVersion: 3.0"),
        (
            {"IntegrationType": "MOCK", "PayloadFormatVersion": "1.0"},
            (
                "Currently, an API with a protocol type of HTTP may only be associated with proxy integrations "
                "(AWS_PROXY, HTTP_PROXY)"
            ),
        ),
        (
            {"IntegrationType": "HTTP_PROXY", "PayloadFormatVersion": "2.0"},
            "PayloadFormatVersion 2.0 is not supported for integration of type HTTP_PROXY",
        ),
        (
            {"IntegrationType": "HTTP_PROXY", "PayloadFormatVersion": "1.0"},
            "HttpMethod parameter method must be specified for integrationType HTTPPROXY",
        ),
        (
            {"IntegrationSubtype": "S3-PutObject", "PayloadFormatVersion": "1.0"},
            "Operation: S3-PutObject is not supported.",
        ),
        (
            {"PayloadFormatVersion": "1.0", "ConnectionType": "VPC_LINK"},
            "ConnectionId must be set to vpcLinkId for ConnectionType VPC_LINK",
        ),
        (
            {"PayloadFormatVersion": "1.0", "RequestParameters": {"badaction:header.x": "1"}},
            (
                "Invalid mapping expression specified: Validation Result: warnings : [], errors : "
                "[Invalid Request Actioned Parameter destination specified: badaction:header.x]"
            ),
        ),
        (
            {"PayloadFormatVersion": "1.0", "ResponseParameters": {"200": {"badaction:header.x": "1"}}},
            (
                "Invalid mapping expression specified: Validation Result: warnings : [], errors : "
                "[Invalid Response Actioned Parameter destination specified: badaction:header.x]"
            ),
        ),
        (
            {"PayloadFormatVersion": "1.0", "ResponseParameters": {"199": {"overwrite:statuscode": "200"}}},
            (
                "Invalid mapping expression specified: Validation Result: warnings : [], errors : "
                "[Status Code 199 is not valid.]"
            ),
        ),
    ],
)
def test_refused_integrations_of_http_apis(
    api: Any, http_api: str, refused: Refused, members: dict[str, Any], message: str
) -> None:
    given = {"IntegrationType": "AWS_PROXY", "IntegrationUri": FUNCTION, **members}
    assert refused(api.create_integration, ApiId=http_api, **given) == (*BAD, message)


def test_integrations_with_services(api: Any, http_api: str, refused: Refused) -> None:
    members = {
        "IntegrationType": "AWS_PROXY",
        "IntegrationSubtype": "SQS-SendMessage",
        "PayloadFormatVersion": "1.0",
        "CredentialsArn": "arn:aws:iam::000000000000:role/r",
        "RequestParameters": {"QueueUrl": "$request.header.queueUrl", "MessageBody": "$request.body"},
    }
    made = api.create_integration(ApiId=http_api, **members)
    assert made["IntegrationSubtype"] == "SQS-SendMessage"
    assert "IntegrationMethod" not in made
    members["RequestParameters"] = {"QueueUrl": "q"}
    assert refused(api.create_integration, ApiId=http_api, **members) == (
        *BAD,
        (
            "Operation: SQS-SendMessage requires enabling passthrough, or defining all of the following parameters in "
            "the parameter mapping: [QueueUrl, MessageBody]"
        ),
    )
    assert refused(api.create_integration, ApiId=http_api, **{**members, "CredentialsArn": ""}) == (
        *BAD,
        "Role ARN must be specified for AWS integration configuration with Subtype: SQS-SendMessage",
    )


def test_an_integration_that_a_route_leads_to_stays(api: Any, http_api: str, refused: Refused) -> None:
    integration_id = lambda_proxy(api, http_api)
    route_id = api.create_route(ApiId=http_api, RouteKey="GET /", Target=f"integrations/{integration_id}")[
        "RouteId"
    ]
    where = {"ApiId": http_api, "IntegrationId": integration_id}
    assert refused(api.delete_integration, **where) == (
        *TAKEN,
        f"Cannot delete Integration because it is referenced by the following Routes with Ids: [{route_id}]",
    )
    api.delete_route(ApiId=http_api, RouteId=route_id)
    api.delete_integration(**where)
    assert refused(api.get_integration, **where) == (
        *LOST,
        f"Invalid Integration identifier specified {integration_id}",
    )


def test_integration_responses(api: Any, websocket_api: str, refused: Refused, plain: Any) -> None:
    integration_id = api.create_integration(ApiId=websocket_api, IntegrationType="MOCK")["IntegrationId"]
    where = {"ApiId": websocket_api, "IntegrationId": integration_id}
    made = plain(api.create_integration_response(**where, IntegrationResponseKey="/200/"))
    one = {**where, "IntegrationResponseId": made["IntegrationResponseId"]}
    assert plain(api.get_integration_response(**one)) == made
    assert api.get_integration_responses(**where)["Items"] == [made]
    assert refused(api.create_integration_response, **where, IntegrationResponseKey="/200/")[:2] == TAKEN
    changed = api.update_integration_response(
        **one, IntegrationResponseKey="$default", ResponseTemplates={"application/json": "{}"}
    )
    assert changed["ResponseTemplates"] == {"application/json": "{}"}
    assert changed["IntegrationResponseKey"] == "$default"
    api.delete_integration_response(**one)
    assert refused(api.get_integration_response, **one)[:2] == LOST
