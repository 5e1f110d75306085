"""The service as a whole: which operations there are, and that none of them fails here."""

from __future__ import annotations

import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lambent.aws.apigateway import ApiGatewayService
from lambent.aws.model import load_model

if TYPE_CHECKING:
    from tests.aws.apigateway.conftest import ControlPlane, Made

SIGNED = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/apigateway/aws4_request, SignedHeaders=host, Signature=0"
ELSEWHERE = (
    "GetExport",
    "GetSdk",
    "GetSdkType",
    "GetSdkTypes",
    "ImportDocumentationParts",
    "TestInvokeAuthorizer",
    "TestInvokeMethod",
    "AccessAssociation",
)
PATHS = (
    "/name",
    "/description",
    "/apiKeyRequired",
    "/authorizationType",
    "/requestParameters/method.request.header.a",
    "/binaryMediaTypes/a~1b",
    "/endpointConfiguration/types/EDGE",
    "/policy",
    "/deploymentId",
    "/variables/a",
    "/*/*/throttling/rateLimit",
    "/~1pets/GET/logging/loglevel",
    "/~1pets/GET",
    "/accessLogSettings/format",
    "/throttle",
    "/throttle/rateLimit",
    "/quota/period",
    "/apiStages",
    "/stages",
    "/statusCode",
    "/responseTemplates/a~1b",
    "/pathPart",
    "/parentId",
    "/type",
    "/uri",
    "/timeoutInMillis",
    "/cacheKeyParameters/x",
    "/providerARNs",
    "/identityValidationExpression",
    "/schema",
    "/properties",
    "/remaining",
    "/basePath",
    "",
    "/",
    "no path",
)
OPERATIONS = sorted(
    name
    for name in load_model("apigateway").operation_models
    if not any(word in name for word in ELSEWHERE) and name not in ("DeleteRestApi", "DeleteDomainName")
)


def test_operations_that_have_no_method(plane: ControlPlane) -> None:
    registry: Any = plane.registry
    service = ApiGatewayService(registry, plane.usage)
    missing = {name for name in load_model("apigateway").operation_models if service.method(name) is None}
    assert all(any(word in name for word in ELSEWHERE) for name in missing)
    assert all(any(word in name for name in missing) for word in ELSEWHERE)


@pytest.fixture
def known(api: Any, made: Made) -> dict[str, list[str]]:
    """Identifiers of what is there, by member."""
    api.create_domain_name(
        domainName="fuzz.example.com",
        regionalCertificateArn="arn:aws:acm:us-east-1:000000000000:certificate/c",
        endpointConfiguration={"types": ["REGIONAL"]},
    )
    deployment = api.create_deployment(restApiId=made.id, stageName="prod")["id"]
    key = api.create_api_key(name="fuzz", enabled=True)["id"]
    plan = api.create_usage_plan(name="fuzz", quota={"limit": 5, "period": "DAY"})["id"]
    api.create_usage_plan_key(usagePlanId=plan, keyId=key, keyType="API_KEY")
    uri = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/f/invocations"
    authorizer = api.create_authorizer(restApiId=made.id, name="a", type="TOKEN", authorizerUri=uri)["id"]
    return {
        "restApiId": [made.id],
        "resourceId": [made.pets, made.root],
        "parentId": [made.root],
        "httpMethod": ["GET", "ANY", "PUT"],
        "statusCode": ["200", "404"],
        "deploymentId": [deployment],
        "stageName": ["prod", "other"],
        "apiKey": [key],
        "keyId": [key],
        "usagePlanId": [plan],
        "authorizerId": [authorizer],
        "modelName": ["Empty", "Error"],
        "domainName": ["fuzz.example.com"],
        "basePath": ["(none)", "v1"],
        "responseType": ["DEFAULT_4XX", "THROTTLED"],
        "resourceArn": [f"arn:aws:apigateway:us-east-1::/restapis/{made.id}"],
        "startDate": ["2026-01-01"],
        "endDate": ["2026-01-02"],
    }


@settings(
    max_examples=150,
    deadline=None,
    database=None,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.function_scoped_fixture,
    ],
)
@given(data=st.data())
def test_whatever_is_asked_nothing_fails_here(
    plane: ControlPlane, known: dict[str, list[str]], wire: Any, drawn: Any, data: st.DataObject
) -> None:
    """Requests of the model's shapes, about what is there, are answered or refused."""
    service = wire("apigateway")
    operation = data.draw(st.sampled_from(OPERATIONS))
    members = data.draw(drawn().structure(service.model.operation_model(operation).input_shape))
    for member, values in known.items():
        if member in members:
            members[member] = data.draw(st.sampled_from(values))
    for one in members.get("patchOperations") or ():
        one["path"] = data.draw(st.sampled_from(PATHS))
    prepared = service.request(operation, members)
    target = prepared.url.partition("://")[2].partition("/")[2]
    request = urllib.request.Request(  # noqa: S310 - the platform's own URL
        f"{plane.url}/{target}",
        data=prepared.body or None,
        method=prepared.method,
        headers={**dict(prepared.headers), "Authorization": SIGNED},
    )
    try:
        with urllib.request.urlopen(request) as answer:  # noqa: S310 - the same
            assert answer.status < 300
    except urllib.error.HTTPError as error:
        with error:
            assert error.code < 500, (operation, members, error.read())  # noqa: PT017 - refusals are right
