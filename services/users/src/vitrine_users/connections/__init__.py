"""Connections: signing in with an account elsewhere, by OpenID Connect, and joining it to one's account here."""
