"""How to ask a device how it is: no database and no web, so that collector and command line share it."""
