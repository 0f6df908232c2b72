"""Invitations: somebody with rights lets somebody else have an account, with roles of their choice."""
