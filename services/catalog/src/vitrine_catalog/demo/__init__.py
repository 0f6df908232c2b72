"""The demo shop: its products as a data file, their pictures, and the command that brings both in."""
