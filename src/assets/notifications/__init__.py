"""Telling people, at least once; knows nothing of incidents but a subject's kind and id."""
