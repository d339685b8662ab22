"""Computers that report themselves, through the agents of others: GLPI Agent and FusionInventory."""
