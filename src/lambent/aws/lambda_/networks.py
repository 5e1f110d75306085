"""Where a function's subnets are, as far as EC2 knows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from lambent.aws.errors import ServiceError
from lambent.aws.lambda_.errors import invalid_parameter
from lambent.functions.version import Vpc
from lambent.neighbours.errors import NeighbourError, NetworkRefused

if TYPE_CHECKING:
    from lambent.aws.context import RequestContext
    from lambent.functions.settings import Settings
    from lambent.neighbours.networks import Networks


class NetworkOperations:
    """What the operations that take a VpcConfig have in common."""

    networks: Networks | None
    """Where subnets and security groups are looked up; None believes in all of them."""

    async def located(self, context: RequestContext, settings: Settings) -> Settings:
        """`settings`, with the VPC that their subnets are in. Raises ServiceError for what EC2 does not know."""
        vpc = settings.vpc
        if not isinstance(vpc, Vpc) or not vpc.subnet_ids or self.networks is None:
            return settings
        try:
            found = await self.networks.vpc(
                vpc.subnet_ids, vpc.security_group_ids, account=context.account, region=context.region
            )
        except NetworkRefused as error:
            # TestLambdaFunction::test_invalid_vpc_config_subnet, ::test_invalid_vpc_config_security_group
            raise invalid_parameter(
                f"Error occurred while {error.operation}. EC2 Error Code: {error.code}. "
                f"EC2 Error Message: {error.message}"
            ) from error
        except NeighbourError as error:
            raise ServiceError(
                "ServiceException", f"The network could not be looked up in EC2: {error}"
            ) from error
        return replace(settings, vpc=replace(vpc, vpc_id=found))
