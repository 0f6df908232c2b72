"""Access tokens, the keys they are signed with, and the refresh tokens that bring new ones."""
