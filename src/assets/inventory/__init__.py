"""What we own and use: models, assets, links, applications, capabilities."""
