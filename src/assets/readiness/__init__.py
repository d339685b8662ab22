"""Whether a centre can serve citizens now, and if not, why and who can change that."""
