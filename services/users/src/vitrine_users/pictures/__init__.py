"""Pictures of people: one for each account, small, and gone with it."""
