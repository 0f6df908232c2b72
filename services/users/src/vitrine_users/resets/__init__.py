"""A forgotten password: a link by mail, and another password for whoever has it."""
