"""Models over several modules, for the stubs that are made of them."""
