"""Reminders before something runs out: once each point and thing, one message a day and recipient."""
