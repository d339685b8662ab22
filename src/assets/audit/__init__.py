"""What was done, by whom and why: events that are only ever added."""
