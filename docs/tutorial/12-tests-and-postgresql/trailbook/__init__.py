"""Trailbook: a club's blog of hiking routes, on oxyde and FastAPI."""
