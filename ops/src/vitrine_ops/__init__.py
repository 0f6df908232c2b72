"""What `./vitrine` does: starts, supervises, deploys and asks Vitrine's processes; imports none of their code."""
