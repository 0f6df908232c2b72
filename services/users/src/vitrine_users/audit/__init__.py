"""The audit log: every security event, in a chain of digests that shows tampering; it decides nothing."""
