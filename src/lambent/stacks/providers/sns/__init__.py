"""SNS: topics, what subscribes to them, and who may publish."""
