"""AWS::Lambda::Alias (AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-alias.html)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from lambent.neighbours.service_calls import ServiceFailure
from lambent.stacks.errors import ResourceFailure
from lambent.stacks.providers.codedeploy.shifting import Shifting
from lambent.stacks.providers.lambda_.answers import CONFLICT, MISSING, call_unless
from lambent.stacks.providers.lambda_.provisioned import provision
from lambent.stacks.providers.provider import Made, Properties, Provider, Work

if TYPE_CHECKING:
    from lambent.stacks.providers.codedeploy.register import Deployments


class AliasProvider(Provider):
    """Ref is the alias's ARN.

    An update to another version goes by CodeDeploy where its UpdatePolicy says so
    (AWSCloudFormation/latest/TemplateReference/aws-attribute-updatepolicy.html).
    """

    type: ClassVar[str] = "AWS::Lambda::Alias"
    needs: ClassVar[tuple[str, ...]] = ("deployments",)

    def __init__(self, deployments: Deployments) -> None:
        self._deployments = deployments

    async def create(self, work: Work) -> Made:
        wanted = work.properties
        named = {"FunctionName": wanted["FunctionName"], "Name": wanted["Name"]}
        settings = {
            "FunctionVersion": wanted["FunctionVersion"],
            "Description": wanted.get("Description"),
            "RoutingConfig": weights(wanted),
        }
        try:
            answer = await work.call("lambda", "CreateAlias", **named, **settings)
        except ServiceFailure as failure:
            if failure.code != CONFLICT or not work.again:
                raise
            answer = await work.call("lambda", "GetAlias", **named)
            if not work.physical_id and answer["FunctionVersion"] != wanted["FunctionVersion"]:
                raise
        made = _made(answer)
        await work.initiated(made.physical_id, made.attributes)
        await provision(work, wanted["FunctionName"], wanted["Name"])
        return made

    async def update(self, work: Work) -> Made:
        old, new = work.old, work.properties
        policy = work.update_policy.get("CodeDeployLambdaAliasUpdate")
        if policy:
            await self._deployments.stop_others(work, new["FunctionName"], new["Name"])
            live = await work.call("lambda", "GetAlias", FunctionName=new["FunctionName"], Name=new["Name"])
            begun = work.again and self._deployments.of_step(work) is not None
            # Where a deployment has been put back, the alias leads there already.
            if begun or live["FunctionVersion"] != new["FunctionVersion"]:
                await Shifting(work, self._deployments, policy, live["FunctionVersion"]).run()
        await work.call(
            "lambda",
            "UpdateAlias",
            FunctionName=new["FunctionName"],
            Name=new["Name"],
            FunctionVersion=new["FunctionVersion"],
            Description=new.get("Description", "" if old.get("Description") else None),
            RoutingConfig=weights(new) or {"AdditionalVersionWeights": {}},
        )
        await provision(work, new["FunctionName"], new["Name"])
        return Made(work.physical_id, work.attributes)

    async def delete(self, work: Work) -> None:
        function, _, name = work.physical_id.rpartition(":")
        await call_unless(work, MISSING, "DeleteAlias", FunctionName=function, Name=name)

    async def read(self, work: Work) -> Properties | None:
        function, _, name = work.physical_id.rpartition(":")
        found = await call_unless(work, MISSING, "GetAlias", FunctionName=function, Name=name)
        if found is None:
            return None
        live: Properties = {
            "FunctionName": work.properties.get("FunctionName", function),
            "Name": found["Name"],
            "FunctionVersion": found["FunctionVersion"],
            "Description": found.get("Description", ""),
        }
        shares = (found.get("RoutingConfig") or {}).get("AdditionalVersionWeights")
        if shares:
            live["RoutingConfig"] = {
                "AdditionalVersionWeights": [
                    {"FunctionVersion": version, "FunctionWeight": weight}
                    for version, weight in shares.items()
                ]
            }
        if "ProvisionedConcurrencyConfig" in work.properties:
            answer = await call_unless(
                work,
                "ProvisionedConcurrencyConfigNotFoundException",
                "GetProvisionedConcurrencyConfig",
                FunctionName=function,
                Qualifier=name,
            )
            if answer is not None:
                live["ProvisionedConcurrencyConfig"] = {
                    "ProvisionedConcurrentExecutions": answer["RequestedProvisionedConcurrentExecutions"]
                }
        return live

    async def adopt(self, work: Work, identifier: dict[str, str]) -> Made:
        function, _, name = identifier["AliasArn"].rpartition(":")
        found = await call_unless(work, MISSING, "GetAlias", FunctionName=function, Name=name)
        if found is None:
            raise ResourceFailure(f"Cannot find alias arn: {identifier['AliasArn']}", "NotFound")
        return _made(found)


def weights(wanted: Properties) -> dict[str, Any] | None:
    """RoutingConfig as Lambda takes it, None for none."""
    shares = (wanted.get("RoutingConfig") or {}).get("AdditionalVersionWeights")
    if not shares:
        return None
    return {"AdditionalVersionWeights": {each["FunctionVersion"]: each["FunctionWeight"] for each in shares}}


def _made(found: dict[str, Any]) -> Made:
    return Made(found["AliasArn"], {"AliasArn": found["AliasArn"]})
