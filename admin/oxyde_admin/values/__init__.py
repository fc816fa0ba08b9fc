"""Values on their way to JSON and back, keys as text."""
