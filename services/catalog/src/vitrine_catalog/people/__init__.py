"""People as the catalogue knows them: by id, with a name that users tells on request."""
