"""Creating, changing, deleting: one record, its links and inlines, or many."""
