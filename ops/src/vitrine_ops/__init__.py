"""What `./vitrine` does: it starts, supervises, deploys and asks Vitrine's processes, and imports none of their code."""
