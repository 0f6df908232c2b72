"""Passkeys (WebAuthn): keys on a person's devices that sign in without a password."""
