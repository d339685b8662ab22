"""Transfers: assets that go from one site to another, and in whose hands they are meanwhile."""
