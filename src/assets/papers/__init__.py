"""Labels, minutes and reports: data in, bytes out."""
