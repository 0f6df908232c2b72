"""Impersonation: an owner sees the shop as somebody else does, changes nothing, and leaves a trail."""
