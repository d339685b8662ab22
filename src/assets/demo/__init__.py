"""A province on one machine: simulated devices, faults that a person can make and mend, and a mail sink."""
