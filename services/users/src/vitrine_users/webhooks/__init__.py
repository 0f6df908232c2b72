"""Webhooks: other systems are told of what happens to people's accounts."""
