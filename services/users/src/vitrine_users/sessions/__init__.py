"""Browser sessions, one-time sign-in links, and the check that a token's sign-in is still alive."""
