"""One-time links sent by mail: made, stored as digests, and used up in one statement."""
