"""Where a person is signed in, by browser and by API, and how that is ended."""
