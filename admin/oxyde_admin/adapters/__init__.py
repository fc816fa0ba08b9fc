"""The panel on each framework."""
