"""CodeDeploy's API over the register of deployments: what hooks report, and what there is to be read."""

from lambent.aws.codedeploy.service import CodeDeployService

__all__ = ["CodeDeployService"]
