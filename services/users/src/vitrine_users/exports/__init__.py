"""A person's export: everything that is held about them, as a zip of JSON files."""
