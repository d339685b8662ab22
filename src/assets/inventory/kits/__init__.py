"""What a kind of centre should have (kits), and what decrees allow at most (norms)."""
