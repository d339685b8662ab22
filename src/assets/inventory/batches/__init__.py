"""Many rows at once: files that people bring, the plan of what they would change, and the way back."""
