"""Stocktakes (kiểm kê): what should be at a site, what was found there, and what follows from the difference."""
