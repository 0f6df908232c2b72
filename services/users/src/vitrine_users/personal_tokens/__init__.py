"""Personal access tokens: made by a person for scripts, with fewer rights and an end."""
