"""Consumables, and what of them lies where: a ledger to which lines are only ever added."""
