"""Who decides equipment requests, in which steps and from which value, as the province sets it."""
