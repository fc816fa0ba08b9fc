"""Keys and slugs as text in paths: `~hh` stands for one byte of UTF-8 (contract, 6.1)."""
