"""Who may do what: people, their grants, sessions and tokens."""
