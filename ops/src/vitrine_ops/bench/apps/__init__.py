"""The servers that are compared, one module each; they run in the bench's own environment, never in ours."""
