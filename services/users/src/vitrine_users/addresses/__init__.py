"""Whether an address is its person's: the link that shows it, and the change to another address."""
