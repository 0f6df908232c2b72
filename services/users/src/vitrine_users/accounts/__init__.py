"""Accounts: who somebody is, their password, and how the shop's staff looks after them."""
