"""What may be disposed of (thanh lý): the rule, repair quotations, and the list with its reasons."""
