"""Step Functions: state machines, their versions and aliases, and activities."""
