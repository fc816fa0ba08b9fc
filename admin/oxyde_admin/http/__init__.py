"""HTTP as the panel sees it: it knows no framework; adapters translate."""
