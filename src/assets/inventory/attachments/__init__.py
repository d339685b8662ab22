"""Files on things of the inventory: pictures and papers."""
