"""Applications: the shop's other sites and programs, into which people sign in with their account here."""
