"""What neighbours tell the catalogue of, and what follows here."""
