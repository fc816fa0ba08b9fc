"""Reading: lists, search, filters, positions, counts, labels."""
