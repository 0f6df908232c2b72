"""Second factors: authenticator apps, recovery codes, two-step sign-in, and proving oneself again."""
