"""What was seen of an asset, beside what a person wrote of it, and which records are of one and the same thing."""
