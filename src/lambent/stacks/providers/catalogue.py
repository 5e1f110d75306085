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
    "AWS::ApiGateway::Account": "lambent.stacks.providers.apigateway.domain:AccountProvider",
    "AWS::ApiGateway::ApiKey": "lambent.stacks.providers.apigateway.keys:ApiKeyProvider",
    "AWS::ApiGateway::Authorizer": "lambent.stacks.providers.apigateway.belongings:AuthorizerProvider",
    "AWS::ApiGateway::BasePathMapping": "lambent.stacks.providers.apigateway.domain:BasePathMappingProvider",
    "AWS::ApiGateway::ClientCertificate": "lambent.stacks.providers.apigateway.domain:ClientCertificateProvider",
    "AWS::ApiGateway::Deployment": "lambent.stacks.providers.apigateway.stage:DeploymentProvider",
    "AWS::ApiGateway::DocumentationPart": "lambent.stacks.providers.apigateway.belongings:DocumentationPartProvider",
    "AWS::ApiGateway::DocumentationVersion": (
        "lambent.stacks.providers.apigateway.belongings:DocumentationVersionProvider"
    ),
    "AWS::ApiGateway::DomainName": "lambent.stacks.providers.apigateway.domain:DomainNameProvider",
    "AWS::ApiGateway::GatewayResponse": "lambent.stacks.providers.apigateway.belongings:GatewayResponseProvider",
    "AWS::ApiGateway::Method": "lambent.stacks.providers.apigateway.method:MethodProvider",
    "AWS::ApiGateway::Model": "lambent.stacks.providers.apigateway.belongings:ModelProvider",
    "AWS::ApiGateway::RequestValidator": "lambent.stacks.providers.apigateway.belongings:RequestValidatorProvider",
    "AWS::ApiGateway::Resource": "lambent.stacks.providers.apigateway.belongings:ResourceProvider",
    "AWS::ApiGateway::RestApi": "lambent.stacks.providers.apigateway.rest_api:RestApiProvider",
    "AWS::ApiGateway::Stage": "lambent.stacks.providers.apigateway.stage:StageProvider",
    "AWS::ApiGateway::UsagePlan": "lambent.stacks.providers.apigateway.keys:UsagePlanProvider",
    "AWS::ApiGateway::UsagePlanKey": "lambent.stacks.providers.apigateway.keys:UsagePlanKeyProvider",
    "AWS::ApiGateway::VpcLink": "lambent.stacks.providers.apigateway.domain:VpcLinkProvider",
    "AWS::ApiGatewayV2::Api": "lambent.stacks.providers.apigatewayv2.api:ApiProvider",
    "AWS::ApiGatewayV2::ApiMapping": "lambent.stacks.providers.apigatewayv2.domain:ApiMappingProvider",
    "AWS::ApiGatewayV2::Authorizer": "lambent.stacks.providers.apigatewayv2.parts:AuthorizerProvider",
    "AWS::ApiGatewayV2::Deployment": "lambent.stacks.providers.apigatewayv2.parts:DeploymentProvider",
    "AWS::ApiGatewayV2::DomainName": "lambent.stacks.providers.apigatewayv2.domain:DomainNameProvider",
    "AWS::ApiGatewayV2::Integration": "lambent.stacks.providers.apigatewayv2.parts:IntegrationProvider",
    "AWS::ApiGatewayV2::IntegrationResponse": "lambent.stacks.providers.apigatewayv2.parts:IntegrationResponseProvider",
    "AWS::ApiGatewayV2::Model": "lambent.stacks.providers.apigatewayv2.parts:ModelProvider",
    "AWS::ApiGatewayV2::Route": "lambent.stacks.providers.apigatewayv2.parts:RouteProvider",
    "AWS::ApiGatewayV2::RouteResponse": "lambent.stacks.providers.apigatewayv2.parts:RouteResponseProvider",
    "AWS::ApiGatewayV2::Stage": "lambent.stacks.providers.apigatewayv2.stage:StageProvider",
    "AWS::ApiGatewayV2::VpcLink": "lambent.stacks.providers.apigatewayv2.domain:VpcLinkProvider",
    "AWS::ApplicationAutoScaling::ScalableTarget": "lambent.stacks.providers.autoscaling:ScalableTargetProvider",
    "AWS::ApplicationAutoScaling::ScalingPolicy": "lambent.stacks.providers.autoscaling:ScalingPolicyProvider",
    "AWS::CDK::Metadata": "lambent.stacks.providers.cdk:MetadataProvider",
    "AWS::CloudFormation::CustomResource": "lambent.stacks.providers.custom:CustomResourceProvider",
    "AWS::CloudFormation::Macro": "lambent.stacks.providers.macros:MacroProvider",
    "AWS::CloudFormation::Stack": "lambent.stacks.providers.nested:NestedStackProvider",
    "AWS::CloudFormation::WaitCondition": "lambent.stacks.providers.waiting:WaitConditionProvider",
    "AWS::CloudFormation::WaitConditionHandle": "lambent.stacks.providers.waiting:WaitConditionHandleProvider",
    "AWS::CloudWatch::Alarm": "lambent.stacks.providers.cloudwatch:AlarmProvider",
    "AWS::CloudWatch::Dashboard": "lambent.stacks.providers.cloudwatch:DashboardProvider",
    "AWS::CodeDeploy::Application": "lambent.stacks.providers.codedeploy.types:ApplicationProvider",
    "AWS::CodeDeploy::DeploymentConfig": "lambent.stacks.providers.codedeploy.types:DeploymentConfigProvider",
    "AWS::CodeDeploy::DeploymentGroup": "lambent.stacks.providers.codedeploy.types:DeploymentGroupProvider",
    "AWS::Cognito::IdentityPool": "lambent.stacks.providers.cognito.identity_pool:IdentityPoolProvider",
    "AWS::Cognito::UserPool": "lambent.stacks.providers.cognito.user_pool:UserPoolProvider",
    "AWS::Cognito::UserPoolClient": "lambent.stacks.providers.cognito.belongings:UserPoolClientProvider",
    "AWS::Cognito::UserPoolDomain": "lambent.stacks.providers.cognito.belongings:UserPoolDomainProvider",
    "AWS::Cognito::UserPoolGroup": "lambent.stacks.providers.cognito.belongings:UserPoolGroupProvider",
    "AWS::Cognito::UserPoolIdentityProvider": "lambent.stacks.providers.cognito.belongings:UserPoolIdentityProviderProvider",
    "AWS::Cognito::UserPoolUser": "lambent.stacks.providers.cognito.belongings:UserPoolUserProvider",
    "AWS::Cognito::UserPoolUserToGroupAttachment": "lambent.stacks.providers.cognito.belongings:UserPoolUserToGroupAttachmentProvider",
    "AWS::DynamoDB::GlobalTable": "lambent.stacks.providers.dynamodb.global_table:GlobalTableProvider",
    "AWS::DynamoDB::Table": "lambent.stacks.providers.dynamodb.table:TableProvider",
    "AWS::ECR::Repository": "lambent.stacks.providers.ecr:RepositoryProvider",
    "AWS::Events::EventBus": "lambent.stacks.providers.events.bus:EventBusProvider",
    "AWS::Events::EventBusPolicy": "lambent.stacks.providers.events.bus:EventBusPolicyProvider",
    "AWS::Events::Rule": "lambent.stacks.providers.events.rule:RuleProvider",
    "AWS::IAM::AccessKey": "lambent.stacks.providers.iam.user:AccessKeyProvider",
    "AWS::IAM::Group": "lambent.stacks.providers.iam.group:GroupProvider",
    "AWS::IAM::GroupPolicy": "lambent.stacks.providers.iam.policy:GroupPolicyProvider",
    "AWS::IAM::InstanceProfile": "lambent.stacks.providers.iam.instance_profile:InstanceProfileProvider",
    "AWS::IAM::ManagedPolicy": "lambent.stacks.providers.iam.managed_policy:ManagedPolicyProvider",
    "AWS::IAM::OIDCProvider": "lambent.stacks.providers.iam.identity:OidcProviderProvider",
    "AWS::IAM::Policy": "lambent.stacks.providers.iam.policy:PolicyProvider",
    "AWS::IAM::Role": "lambent.stacks.providers.iam.role:RoleProvider",
    "AWS::IAM::RolePolicy": "lambent.stacks.providers.iam.policy:RolePolicyProvider",
    "AWS::IAM::SAMLProvider": "lambent.stacks.providers.iam.identity:SamlProviderProvider",
    "AWS::IAM::ServiceLinkedRole": "lambent.stacks.providers.iam.identity:ServiceLinkedRoleProvider",
    "AWS::IAM::User": "lambent.stacks.providers.iam.user:UserProvider",
    "AWS::IAM::UserPolicy": "lambent.stacks.providers.iam.policy:UserPolicyProvider",
    "AWS::IAM::UserToGroupAddition": "lambent.stacks.providers.iam.group:UserToGroupAdditionProvider",
    "AWS::IoT::TopicRule": "lambent.stacks.providers.iot:TopicRuleProvider",
    "AWS::KMS::Alias": "lambent.stacks.providers.kms:AliasProvider",
    "AWS::KMS::Key": "lambent.stacks.providers.kms:KeyProvider",
    "AWS::Kinesis::ResourcePolicy": "lambent.stacks.providers.kinesis:ResourcePolicyProvider",
    "AWS::Kinesis::Stream": "lambent.stacks.providers.kinesis:StreamProvider",
    "AWS::Kinesis::StreamConsumer": "lambent.stacks.providers.kinesis:StreamConsumerProvider",
    "AWS::KinesisFirehose::DeliveryStream": "lambent.stacks.providers.firehose:DeliveryStreamProvider",
    "AWS::Lambda::Alias": "lambent.stacks.providers.lambda_.alias:AliasProvider",
    "AWS::Lambda::CodeSigningConfig": "lambent.stacks.providers.lambda_.code_signing:CodeSigningConfigProvider",
    "AWS::Lambda::EventInvokeConfig": "lambent.stacks.providers.lambda_.event_invoke:EventInvokeConfigProvider",
    "AWS::Lambda::EventSourceMapping": "lambent.stacks.providers.lambda_.mapping:EventSourceMappingProvider",
    "AWS::Lambda::Function": "lambent.stacks.providers.lambda_.function:FunctionProvider",
    "AWS::Lambda::LayerVersion": "lambent.stacks.providers.lambda_.layer:LayerVersionProvider",
    "AWS::Lambda::LayerVersionPermission": "lambent.stacks.providers.lambda_.layer:LayerVersionPermissionProvider",
    "AWS::Lambda::Permission": "lambent.stacks.providers.lambda_.permission:PermissionProvider",
    "AWS::Lambda::ResourcePolicy": "lambent.stacks.providers.lambda_.resource_policy:ResourcePolicyProvider",
    "AWS::Lambda::Url": "lambent.stacks.providers.lambda_.url:UrlProvider",
    "AWS::Lambda::Version": "lambent.stacks.providers.lambda_.version:VersionProvider",
    "AWS::Logs::LogGroup": "lambent.stacks.providers.logs:LogGroupProvider",
    "AWS::Logs::LogStream": "lambent.stacks.providers.logs:LogStreamProvider",
    "AWS::Logs::ResourcePolicy": "lambent.stacks.providers.logs:ResourcePolicyProvider",
    "AWS::Pipes::Pipe": "lambent.stacks.providers.pipes:PipeProvider",
    "AWS::S3::Bucket": "lambent.stacks.providers.s3.bucket:BucketProvider",
    "AWS::S3::BucketPolicy": "lambent.stacks.providers.s3.policy:BucketPolicyProvider",
    "AWS::SNS::Subscription": "lambent.stacks.providers.sns.subscription:SubscriptionProvider",
    "AWS::SNS::Topic": "lambent.stacks.providers.sns.topic:TopicProvider",
    "AWS::SNS::TopicInlinePolicy": "lambent.stacks.providers.sns.policy:TopicInlinePolicyProvider",
    "AWS::SNS::TopicPolicy": "lambent.stacks.providers.sns.policy:TopicPolicyProvider",
    "AWS::SQS::Queue": "lambent.stacks.providers.sqs:QueueProvider",
    "AWS::SQS::QueueInlinePolicy": "lambent.stacks.providers.sqs:QueueInlinePolicyProvider",
    "AWS::SQS::QueuePolicy": "lambent.stacks.providers.sqs:QueuePolicyProvider",
    "AWS::SSM::Parameter": "lambent.stacks.providers.ssm:ParameterProvider",
    "AWS::Scheduler::Schedule": "lambent.stacks.providers.scheduler:ScheduleProvider",
    "AWS::Scheduler::ScheduleGroup": "lambent.stacks.providers.scheduler:ScheduleGroupProvider",
    "AWS::SecretsManager::ResourcePolicy": "lambent.stacks.providers.secretsmanager:ResourcePolicyProvider",
    "AWS::SecretsManager::RotationSchedule": "lambent.stacks.providers.secretsmanager:RotationScheduleProvider",
    "AWS::SecretsManager::Secret": "lambent.stacks.providers.secretsmanager:SecretProvider",
    "AWS::StepFunctions::Activity": "lambent.stacks.providers.stepfunctions.activity:ActivityProvider",
    "AWS::StepFunctions::StateMachine": "lambent.stacks.providers.stepfunctions.state_machine:StateMachineProvider",
    "AWS::StepFunctions::StateMachineAlias": "lambent.stacks.providers.stepfunctions.version:StateMachineAliasProvider",
    "AWS::StepFunctions::StateMachineVersion": "lambent.stacks.providers.stepfunctions.version:StateMachineVersionProvider",
    "Custom::*": "lambent.stacks.providers.custom:CustomResourceProvider",
}
"""`module:class` of each type, imported when the type is first asked for. One line a type, sorted."""


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
        cls = getattr(importlib.import_module(module), name)
        needs: tuple[str, ...] = getattr(cls, "needs", ())
        made: Provider = cls(**{need: self.parts[need] for need in needs})
        return made
