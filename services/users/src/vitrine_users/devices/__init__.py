"""Devices a person has signed in with before, known again by a cookie."""
