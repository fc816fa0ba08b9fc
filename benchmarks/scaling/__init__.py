"""What a row, a query, a column and a condition cost, from a few to very many of them."""
