"""Cognito: user pools with what belongs to them, identity pools."""
