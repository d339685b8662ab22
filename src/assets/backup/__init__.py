"""Backups: everything the database holds in one file, and the way back, which is tried before it is believed."""
