"""Labels and administrative papers: data in, bytes out."""
