"""The same panel in five frameworks; each file runs by itself."""
