"""A centre asks for equipment, and follows it to the hand-over."""
