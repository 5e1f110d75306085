"""The resource types that are served, and who serves each of them."""

from __future__ import annotations

import difflib
import importlib
from typing import TYPE_CHECKING, Any, Final

from lambent.stacks.errors import UnsupportedType

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lambent.stacks.providers.provider import Provider

CUSTOM: Final = "Custom::*"
"""Stands for every type of that prefix."""

PROVIDERS: Final[dict[str, str]] = {
    "AWS::ApiGateway::Account": "apigateway.domain:AccountProvider",
    "AWS::ApiGateway::ApiKey": "apigateway.keys:ApiKeyProvider",
    "AWS::ApiGateway::Authorizer": "apigateway.belongings:AuthorizerProvider",
    "AWS::ApiGateway::BasePathMapping": "apigateway.domain:BasePathMappingProvider",
    "AWS::ApiGateway::ClientCertificate": "apigateway.domain:ClientCertificateProvider",
    "AWS::ApiGateway::Deployment": "apigateway.stage:DeploymentProvider",
    "AWS::ApiGateway::DocumentationPart": "apigateway.documentation:DocumentationPartProvider",
    "AWS::ApiGateway::DocumentationVersion": ("apigateway.documentation:DocumentationVersionProvider"),
    "AWS::ApiGateway::DomainName": "apigateway.domain:DomainNameProvider",
    "AWS::ApiGateway::GatewayResponse": "apigateway.gateway_response:GatewayResponseProvider",
    "AWS::ApiGateway::Method": "apigateway.method:MethodProvider",
    "AWS::ApiGateway::Model": "apigateway.model:ModelProvider",
    "AWS::ApiGateway::RequestValidator": "apigateway.belongings:RequestValidatorProvider",
    "AWS::ApiGateway::Resource": "apigateway.belongings:ResourceProvider",
    "AWS::ApiGateway::RestApi": "apigateway.rest_api:RestApiProvider",
    "AWS::ApiGateway::Stage": "apigateway.stage:StageProvider",
    "AWS::ApiGateway::UsagePlan": "apigateway.keys:UsagePlanProvider",
    "AWS::ApiGateway::UsagePlanKey": "apigateway.keys:UsagePlanKeyProvider",
    "AWS::ApiGateway::VpcLink": "apigateway.domain:VpcLinkProvider",
    "AWS::ApiGatewayV2::Api": "apigatewayv2.api:ApiProvider",
    "AWS::ApiGatewayV2::ApiMapping": "apigatewayv2.domain:ApiMappingProvider",
    "AWS::ApiGatewayV2::Authorizer": "apigatewayv2.parts:AuthorizerProvider",
    "AWS::ApiGatewayV2::Deployment": "apigatewayv2.parts:DeploymentProvider",
    "AWS::ApiGatewayV2::DomainName": "apigatewayv2.domain:DomainNameProvider",
    "AWS::ApiGatewayV2::Integration": "apigatewayv2.parts:IntegrationProvider",
    "AWS::ApiGatewayV2::IntegrationResponse": "apigatewayv2.parts:IntegrationResponseProvider",
    "AWS::ApiGatewayV2::Model": "apigatewayv2.parts:ModelProvider",
    "AWS::ApiGatewayV2::Route": "apigatewayv2.parts:RouteProvider",
    "AWS::ApiGatewayV2::RouteResponse": "apigatewayv2.parts:RouteResponseProvider",
    "AWS::ApiGatewayV2::Stage": "apigatewayv2.stage:StageProvider",
    "AWS::ApiGatewayV2::VpcLink": "apigatewayv2.domain:VpcLinkProvider",
    "AWS::ApplicationAutoScaling::ScalableTarget": "autoscaling:ScalableTargetProvider",
    "AWS::ApplicationAutoScaling::ScalingPolicy": "autoscaling:ScalingPolicyProvider",
    "AWS::CDK::Metadata": "cdk:MetadataProvider",
    "AWS::CertificateManager::Certificate": "acm:CertificateProvider",
    "AWS::CloudFormation::CustomResource": "custom:CustomResourceProvider",
    "AWS::CloudFormation::Macro": "macros:MacroProvider",
    "AWS::CloudFormation::Stack": "nested:NestedStackProvider",
    "AWS::CloudFormation::WaitCondition": "waiting:WaitConditionProvider",
    "AWS::CloudFormation::WaitConditionHandle": "waiting:WaitConditionHandleProvider",
    "AWS::CloudWatch::Alarm": "cloudwatch:AlarmProvider",
    "AWS::CloudWatch::Dashboard": "cloudwatch:DashboardProvider",
    "AWS::CodeDeploy::Application": "codedeploy.types:ApplicationProvider",
    "AWS::CodeDeploy::DeploymentConfig": "codedeploy.types:DeploymentConfigProvider",
    "AWS::CodeDeploy::DeploymentGroup": "codedeploy.types:DeploymentGroupProvider",
    "AWS::Cognito::IdentityPool": "cognito.identity_pool:IdentityPoolProvider",
    "AWS::Cognito::UserPool": "cognito.user_pool:UserPoolProvider",
    "AWS::Cognito::UserPoolClient": "cognito.belongings:UserPoolClientProvider",
    "AWS::Cognito::UserPoolDomain": "cognito.belongings:UserPoolDomainProvider",
    "AWS::Cognito::UserPoolGroup": "cognito.belongings:UserPoolGroupProvider",
    "AWS::Cognito::UserPoolIdentityProvider": "cognito.belongings:UserPoolIdentityProviderProvider",
    "AWS::Cognito::UserPoolUser": "cognito.belongings:UserPoolUserProvider",
    "AWS::Cognito::UserPoolUserToGroupAttachment": "cognito.belongings:UserPoolUserToGroupAttachmentProvider",
    "AWS::DynamoDB::GlobalTable": "dynamodb.global_table:GlobalTableProvider",
    "AWS::DynamoDB::Table": "dynamodb.table:TableProvider",
    "AWS::EC2::EIP": "ec2.gateway:EipProvider",
    "AWS::EC2::FlowLog": "ec2.endpoint:FlowLogProvider",
    "AWS::EC2::InternetGateway": "ec2.gateway:InternetGatewayProvider",
    "AWS::EC2::NatGateway": "ec2.gateway:NatGatewayProvider",
    "AWS::EC2::Route": "ec2.route:RouteProvider",
    "AWS::EC2::RouteTable": "ec2.route:RouteTableProvider",
    "AWS::EC2::SecurityGroup": "ec2.security_group:SecurityGroupProvider",
    "AWS::EC2::SecurityGroupEgress": "ec2.security_group:SecurityGroupEgressProvider",
    "AWS::EC2::SecurityGroupIngress": "ec2.security_group:SecurityGroupIngressProvider",
    "AWS::EC2::Subnet": "ec2.vpc:SubnetProvider",
    "AWS::EC2::SubnetRouteTableAssociation": "ec2.route:SubnetRouteTableAssociationProvider",
    "AWS::EC2::VPC": "ec2.vpc:VpcProvider",
    "AWS::EC2::VPCEndpoint": "ec2.endpoint:VpcEndpointProvider",
    "AWS::EC2::VPCGatewayAttachment": "ec2.gateway:VpcGatewayAttachmentProvider",
    "AWS::ECR::Repository": "ecr:RepositoryProvider",
    "AWS::Events::EventBus": "events.bus:EventBusProvider",
    "AWS::Events::EventBusPolicy": "events.bus:EventBusPolicyProvider",
    "AWS::Events::Rule": "events.rule:RuleProvider",
    "AWS::IAM::AccessKey": "iam.user:AccessKeyProvider",
    "AWS::IAM::Group": "iam.group:GroupProvider",
    "AWS::IAM::GroupPolicy": "iam.policy:GroupPolicyProvider",
    "AWS::IAM::InstanceProfile": "iam.instance_profile:InstanceProfileProvider",
    "AWS::IAM::ManagedPolicy": "iam.managed_policy:ManagedPolicyProvider",
    "AWS::IAM::OIDCProvider": "iam.identity:OidcProviderProvider",
    "AWS::IAM::Policy": "iam.policy:PolicyProvider",
    "AWS::IAM::Role": "iam.role:RoleProvider",
    "AWS::IAM::RolePolicy": "iam.policy:RolePolicyProvider",
    "AWS::IAM::SAMLProvider": "iam.identity:SamlProviderProvider",
    "AWS::IAM::ServiceLinkedRole": "iam.identity:ServiceLinkedRoleProvider",
    "AWS::IAM::User": "iam.user:UserProvider",
    "AWS::IAM::UserPolicy": "iam.policy:UserPolicyProvider",
    "AWS::IAM::UserToGroupAddition": "iam.group:UserToGroupAdditionProvider",
    "AWS::IoT::TopicRule": "iot:TopicRuleProvider",
    "AWS::KMS::Alias": "kms:AliasProvider",
    "AWS::KMS::Key": "kms:KeyProvider",
    "AWS::Kinesis::ResourcePolicy": "kinesis:ResourcePolicyProvider",
    "AWS::Kinesis::Stream": "kinesis:StreamProvider",
    "AWS::Kinesis::StreamConsumer": "kinesis:StreamConsumerProvider",
    "AWS::KinesisFirehose::DeliveryStream": "firehose:DeliveryStreamProvider",
    "AWS::Lambda::Alias": "lambda_.alias:AliasProvider",
    "AWS::Lambda::CodeSigningConfig": "lambda_.code_signing:CodeSigningConfigProvider",
    "AWS::Lambda::EventInvokeConfig": "lambda_.event_invoke:EventInvokeConfigProvider",
    "AWS::Lambda::EventSourceMapping": "lambda_.mapping:EventSourceMappingProvider",
    "AWS::Lambda::Function": "lambda_.function:FunctionProvider",
    "AWS::Lambda::LayerVersion": "lambda_.layer:LayerVersionProvider",
    "AWS::Lambda::LayerVersionPermission": "lambda_.layer:LayerVersionPermissionProvider",
    "AWS::Lambda::Permission": "lambda_.permission:PermissionProvider",
    "AWS::Lambda::ResourcePolicy": "lambda_.resource_policy:ResourcePolicyProvider",
    "AWS::Lambda::Url": "lambda_.url:UrlProvider",
    "AWS::Lambda::Version": "lambda_.version:VersionProvider",
    "AWS::Logs::LogGroup": "logs:LogGroupProvider",
    "AWS::Logs::LogStream": "logs:LogStreamProvider",
    "AWS::Logs::ResourcePolicy": "logs:ResourcePolicyProvider",
    "AWS::Logs::SubscriptionFilter": "logs:SubscriptionFilterProvider",
    "AWS::Pipes::Pipe": "pipes:PipeProvider",
    "AWS::Route53::HealthCheck": "route53:HealthCheckProvider",
    "AWS::Route53::HostedZone": "route53:HostedZoneProvider",
    "AWS::Route53::RecordSet": "route53:RecordSetProvider",
    "AWS::Route53::RecordSetGroup": "route53:RecordSetGroupProvider",
    "AWS::S3::Bucket": "s3.bucket:BucketProvider",
    "AWS::S3::BucketPolicy": "s3.policy:BucketPolicyProvider",
    "AWS::SNS::Subscription": "sns.subscription:SubscriptionProvider",
    "AWS::SNS::Topic": "sns.topic:TopicProvider",
    "AWS::SNS::TopicInlinePolicy": "sns.policy:TopicInlinePolicyProvider",
    "AWS::SNS::TopicPolicy": "sns.policy:TopicPolicyProvider",
    "AWS::SQS::Queue": "sqs:QueueProvider",
    "AWS::SQS::QueueInlinePolicy": "sqs:QueueInlinePolicyProvider",
    "AWS::SQS::QueuePolicy": "sqs:QueuePolicyProvider",
    "AWS::SSM::Parameter": "ssm:ParameterProvider",
    "AWS::Scheduler::Schedule": "scheduler:ScheduleProvider",
    "AWS::Scheduler::ScheduleGroup": "scheduler:ScheduleGroupProvider",
    "AWS::SecretsManager::ResourcePolicy": "secretsmanager:ResourcePolicyProvider",
    "AWS::SecretsManager::RotationSchedule": "secretsmanager:RotationScheduleProvider",
    "AWS::SecretsManager::Secret": "secretsmanager:SecretProvider",
    "AWS::StepFunctions::Activity": "stepfunctions.activity:ActivityProvider",
    "AWS::StepFunctions::StateMachine": "stepfunctions.state_machine:StateMachineProvider",
    "AWS::StepFunctions::StateMachineAlias": "stepfunctions.version:StateMachineAliasProvider",
    "AWS::StepFunctions::StateMachineVersion": "stepfunctions.version:StateMachineVersionProvider",
    "Custom::*": "custom:CustomResourceProvider",
}
"""`module:class` of each type, below this package; imported when the type is first asked for. Sorted, a line a type."""


class Catalogue:
    """Finds providers, made once each.

    `parts`: collaborators by name (`stacks`, `responses`…), for providers whose class attribute `needs` names them:
    these are made with them as keyword arguments, all others with none. `parts` may be filled in until a provider that
    needs it is first asked for. A value of `providers` may also be a Provider itself.
    """

    def __init__(
        self,
        parts: dict[str, Any] | None = None,
        providers: Mapping[str, str | Provider] = PROVIDERS,
    ) -> None:
        self.parts: dict[str, Any] = {} if parts is None else parts
        self._providers = providers
        self._made: dict[str, Provider] = {}

    def find(self, type_name: str) -> Provider:
        """The provider of a type. Raises UnsupportedType, with near names."""
        key = CUSTOM if type_name.startswith("Custom::") else type_name
        provider = self._made.get(key)
        if provider is None:
            entry = self._providers.get(key)
            if entry is None:
                raise UnsupportedType(self.complaint([type_name]))
            provider = self._made[key] = self._make(entry) if isinstance(entry, str) else entry
        return provider

    def serves(self, type_name: str) -> bool:
        """Whether there is a provider of the type."""
        return (CUSTOM if type_name.startswith("Custom::") else type_name) in self._providers

    def complaint(self, types: Iterable[str]) -> str:
        """CloudFormation's words for types that it does not know, with the names nearest to them."""
        unknown = sorted(set(types))
        near = [
            name
            for type_name in unknown
            for name in difflib.get_close_matches(type_name, self._providers, n=3, cutoff=0.8)
        ]
        message = f"Template format error: Unrecognized resource types: [{', '.join(unknown)}]"
        return f"{message} (near: {', '.join(dict.fromkeys(near))})" if near else message

    def _make(self, entry: str) -> Provider:
        module, _, name = entry.partition(":")
        cls = getattr(importlib.import_module(f"{__package__}.{module}"), name)
        needs: tuple[str, ...] = getattr(cls, "needs", ())
        made: Provider = cls(**{need: self.parts[need] for need in needs})
        return made
