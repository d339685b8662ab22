"""Where things stand: administrative units, their sites, the rooms of a site."""
