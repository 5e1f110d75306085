"""Ids that moto makes up, chosen: a resource that is made again after moto has forgotten it has the ones that it had.

Part of the program in moto_server.py, which loads it with the first request that says what it restores: a JSON object
with the resource's `type`, as CloudFormation names it, its `id` and its `attributes`. Facts of moto 5.2.5.
"""

import functools
import importlib
import threading
import time
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

_TABLES = ("AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable")


class Known(NamedTuple):
    """What is known of the resource that a request restores."""

    type: str
    id: str
    attributes: dict[str, str]


class _Request(threading.local):
    known: Known | None = None


_request = _Request()


def restore(known: Known | None) -> None:
    """From here on, this thread's request makes that resource again; None: something new."""
    _request.known = known
    if known is not None:
        _prepare(known.type)


@functools.cache
def _prepare(type_name: str) -> None:
    """Have moto ask here first for the ids of that type."""
    for place in _MADE_UP.get(type_name, ()):
        _choose(place)
    if type_name in _TABLES:
        _choose_labels()
    elif type_name == "AWS::Cognito::UserPoolClient":
        _choose_secrets()
    elif type_name == "AWS::ApplicationAutoScaling::ScalingPolicy":
        _choose_policies()
    elif type_name == "AWS::EC2::Subnet":
        _choose_zones()
    elif type_name == "AWS::Route53::HealthCheck":
        _choose_health_checks()
    elif type_name == "AWS::StepFunctions::StateMachineVersion":
        _choose_versions()


def _id(known: Known) -> str:
    return known.id


def _attribute(name: str) -> "Callable[[Known], str]":
    return lambda known: known.attributes.get(name, "")


def _after(separator: str) -> "Callable[[Known], str]":
    return lambda known: known.id.rpartition(separator)[2]


_MADE_UP: "dict[str, dict[str, Callable[[Known], str]]]" = {
    "AWS::CertificateManager::Certificate": {"moto.acm.models:make_arn_for_certificate": _id},
    "AWS::Cognito::IdentityPool": {"moto.cognitoidentity.models:get_random_identity_id": _id},
    "AWS::Cognito::UserPool": {"moto.cognitoidp.models:generate_id": _after("_")},
    "AWS::Cognito::UserPoolClient": {"moto.cognitoidp.models:generate_id": _id},
    "AWS::EC2::EIP": {
        "moto.ec2.models.elastic_ip_addresses:random_ip": _id,
        "moto.ec2.models.elastic_ip_addresses:random_eip_allocation_id": _attribute("AllocationId"),
    },
    "AWS::EC2::FlowLog": {"moto.ec2.models.flow_logs:random_flow_log_id": _id},
    "AWS::EC2::InternetGateway": {"moto.ec2.models.internet_gateways:random_internet_gateway_id": _id},
    "AWS::EC2::NatGateway": {
        "moto.ec2.models.nat_gateways:random_nat_gateway_id": _id,
        "moto.ec2.models.elastic_network_interfaces:random_eni_id": _attribute("EniId"),
    },
    "AWS::EC2::RouteTable": {"moto.ec2.models.route_tables:random_route_table_id": _id},
    "AWS::EC2::SecurityGroup": {"moto.ec2.models.security_groups:random_security_group_id": _id},
    "AWS::EC2::SecurityGroupEgress": {"moto.ec2.models.security_groups:random_security_group_rule_id": _id},
    "AWS::EC2::SecurityGroupIngress": {"moto.ec2.models.security_groups:random_security_group_rule_id": _id},
    "AWS::EC2::Subnet": {
        "moto.ec2.models.subnets:random_subnet_id": _id,
        "moto.ec2.models.network_acls:random_network_acl_subnet_association_id": _attribute(
            "NetworkAclAssociationId"
        ),
    },
    "AWS::EC2::SubnetRouteTableAssociation": {
        "moto.ec2.models.route_tables:random_subnet_association_id": _id
    },
    "AWS::EC2::VPC": {
        "moto.ec2.models.vpcs:random_vpc_id": _id,
        "moto.ec2.models.security_groups:random_security_group_id": _attribute("DefaultSecurityGroup"),
        "moto.ec2.models.network_acls:random_network_acl_id": _attribute("DefaultNetworkAcl"),
    },
    "AWS::EC2::VPCEndpoint": {"moto.ec2.models.vpcs:random_vpc_ep_id": _id},
    "AWS::IAM::AccessKey": {
        "moto.iam.models:generate_access_key_id_from_account_id": _id,
        "moto.iam.models:random_alphanumeric": _attribute("SecretAccessKey"),
    },
    "AWS::IAM::ManagedPolicy": {"moto.iam.models:random_policy_id": _attribute("PolicyId")},
    "AWS::IAM::Role": {"moto.iam.models:random_role_id": _attribute("RoleId")},
    "AWS::KMS::Key": {"moto.kms.models:generate_key_id": _id},
    "AWS::Route53::HostedZone": {"moto.route53.models:create_route53_zone_id": _after("/")},
    "AWS::SNS::Subscription": {"moto.sns.models:make_arn_for_subscription": _id},
    "AWS::SecretsManager::Secret": {"moto.secretsmanager.utils:generate_str_id": _after("-")},
}
"""The functions that make up ids, as `module:function`, and what of the resource each of them gives."""


@functools.cache
def _choose(place: str) -> None:
    module_name, _, name = place.partition(":")
    module = importlib.import_module(module_name)
    make_up = getattr(module, name)

    @functools.wraps(make_up)
    def chosen(*arguments: Any, **named: Any) -> str:
        known = _request.known
        pick = None if known is None else _MADE_UP.get(known.type, {}).get(place)
        kept = pick(known) if pick is not None and known is not None else ""
        return kept or str(make_up(*arguments, **named))

    setattr(module, name, chosen)


def _choose_labels() -> None:
    """Streams of tables: their ARN ends with the time at which they were begun.

    Who has read one goes on after the last record that he knows: numbers go on where no earlier one has been.
    """
    from moto.dynamodb.models.table import StreamShard, Table

    specify, get = Table.set_stream_specification, StreamShard.get

    def specified(table: Any, streams: Any) -> None:
        specify(table, streams)
        known = _request.known
        if known is not None and known.type in _TABLES and table.stream_specification["StreamEnabled"]:
            label = known.attributes.get("StreamArn", "").partition("/stream/")[2]
            table.latest_stream_label = label or table.latest_stream_label
            table.stream_shard.starting_sequence_number += time.time_ns() // 1000

    def get_from(shard: Any, start: int, quantity: int) -> list[dict[str, Any]]:
        return get(shard, max(start, shard.starting_sequence_number), quantity)

    Table.set_stream_specification = specified  # type: ignore[method-assign, assignment]
    StreamShard.get = get_from  # type: ignore[method-assign, assignment]


def _choose_secrets() -> None:
    """Secrets of user pools' clients, which are made with them."""
    from moto.cognitoidp.models import CognitoIdpUserPoolClient

    make = CognitoIdpUserPoolClient.__init__

    def made(client: Any, *arguments: Any, **named: Any) -> None:
        make(client, *arguments, **named)
        known = _request.known
        if known is not None:
            client.secret = known.attributes.get("ClientSecret", client.secret)

    CognitoIdpUserPoolClient.__init__ = made  # type: ignore[method-assign, assignment]


def _choose_policies() -> None:
    """ARNs of scaling policies, which their alarms name."""
    from moto.applicationautoscaling.models import FakeApplicationAutoscalingPolicy

    alarms = FakeApplicationAutoscalingPolicy.create_alarms

    def with_alarms(policy: Any) -> None:
        known = _request.known
        if known is not None:
            policy.policy_arn = known.id
        alarms(policy)

    FakeApplicationAutoscalingPolicy.create_alarms = with_alarms  # type: ignore[method-assign, assignment]


def _choose_zones() -> None:
    """The availability zones of subnets, of which EC2 chooses one."""
    from moto.ec2.models.subnets import SubnetBackend

    create = SubnetBackend.create_subnet

    def created(
        backend: Any, vpc: str, cidr: str, cidr_6: Any, zone: str | None, *arguments: Any, **named: Any
    ) -> Any:
        known = _request.known
        if known is not None:
            zone = known.attributes.get("AvailabilityZone", zone)
        return create(backend, vpc, cidr, cidr_6, zone, *arguments, **named)

    SubnetBackend.create_subnet = created  # type: ignore[method-assign, assignment]


def _choose_health_checks() -> None:
    """Ids of health checks, under which they are kept when they have been made."""
    from moto.route53.models import Route53Backend

    create = Route53Backend.create_health_check

    def created(backend: Any, *arguments: Any, **named: Any) -> Any:
        check = create(backend, *arguments, **named)
        known = _request.known
        if known is not None and known.id not in backend.health_checks:
            backend.health_checks[known.id] = backend.health_checks.pop(check.id)
            check.id = known.id
        return check

    Route53Backend.create_health_check = created  # type: ignore[method-assign, assignment]


def _choose_versions() -> None:
    """Numbers of state machines' versions, which go on after the highest."""
    from moto.stepfunctions.models import StateMachine

    publish = StateMachine.publish

    def published(machine: Any, description: str | None) -> None:
        highest, latest = machine.latest_version_number, machine.latest_version
        known = _request.known
        if known is not None:
            machine.latest_version_number = int(known.id.rpartition(":")[2]) - 1
        publish(machine, description)
        if machine.latest_version_number < highest:
            machine.latest_version_number, machine.latest_version = highest, latest

    StateMachine.publish = published  # type: ignore[method-assign, assignment]
