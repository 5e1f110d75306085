"""Which services moto serves, so that knowing it needs neither moto nor its import.

By signing name, the service in a credential scope, because that is what moto goes by. Facts of moto 5.2.5;
tests/neighbours/test_services.py compares them with the moto that is installed. Left out: Lambda and CloudWatch
Logs, which are Lambent's own; CloudFormation, API Gateway, Glue and X-Ray, which need packages that the platform
does not come with, the first two also because what they made would not be here.
"""

from __future__ import annotations

from typing import Final

SERVED_BY_MOTO: Final = frozenset(
    (  # noqa: SIM905 - one name a line would fill pages
        "account acm acm-pca aidevops aoss appconfig application-autoscaling appmesh appsync aps athena "
        "autoscaling aws-marketplace backup batch bedrock bedrock-agentcore budgets ce cleanrooms "
        "clouddirectory cloudfront cloudhsm cloudtrail codebuild codecommit codedeploy codepipeline "
        "cognito-identity cognito-idp comprehend config connect connect-campaigns databrew datapipeline "
        "datasync dax directconnect dms ds dsql dynamodb ebs ec2 ec2-instance-connect ecr ecs eks "
        "elasticache elasticbeanstalk elasticfilesystem elasticloadbalancing elasticmapreduce "
        "emr-containers emr-serverless es events firehose fis forecast fsx glacier greengrass guardduty "
        "iam identitystore inspector2 iot iotdata ivs kafka kinesis kinesisanalytics kinesisvideo kms "
        "lakeformation lex macie2 managedblockchain mediaconnect medialive mediapackage mediapackagev2 "
        "mediastore memorydb mobiletargeting monitoring mq network-firewall networkmanager organizations "
        "osis payment-cryptography personalize pipes polly quicksight ram rds rds-data redshift "
        "redshift-data rekognition resiliencehub resource-groups route53 route53domains route53resolver "
        "s3 s3-outposts s3files s3tables s3vectors sagemaker scheduler sdb secretsmanager securityhub "
        "servicecatalog servicediscovery servicequotas ses shield signer sns sqs ssm sso states sts "
        "support swf synthetics tagging textract timestream timestream-influxdb transcribe transfer "
        "vpc-lattice wafv2 workspaces workspaces-web"
    ).split()
)
"""Signing names."""
