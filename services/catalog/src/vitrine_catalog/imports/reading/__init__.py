"""Reads product files of other shops into neutral records; pure Python, knows neither Flask nor the database."""
