"""CodeDeploy as far as templates use it: aliases of functions whose traffic is moved to new versions step by step.

Applications, deployment groups and configurations are records of their own; deployments are made by AWS::Lambda::Alias
with the UpdatePolicy CodeDeployLambdaAliasUpdate. Imports providers, stacks.errors and the floors below.
"""
