"""ISO 3166 countries and subdivisions, loaded, validated and queried. `make demo` runs it."""
