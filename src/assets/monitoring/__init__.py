"""How each thing is doing: targets, collectors, what they saw, and the one step from there to a condition."""
