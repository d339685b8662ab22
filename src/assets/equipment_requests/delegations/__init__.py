"""Who decides for somebody who is away."""
