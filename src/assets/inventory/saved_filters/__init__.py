"""Filters of lists under a name: one's own, or shared with everybody by the province's IT."""
