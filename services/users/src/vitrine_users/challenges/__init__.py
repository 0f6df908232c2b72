"""Challenges under attack: work, or a wait, before a form is looked at; who is known is not asked."""
