"""What the shop's operator does to accounts from the command line, without signing in."""
