"""The routers of the shop, a module each, and what they share."""
