"""What the province sets of its papers, and printing them."""
