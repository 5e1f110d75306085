"""EventBridge: rules with their targets, buses and who may send to them."""
