"""Providers of `AWS::ApiGateway::*`: REST APIs with what belongs to them, keys and usage plans, domain names."""
