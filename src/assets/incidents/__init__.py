"""What needs a human: incidents, and why one must not disturb anyone just now."""
