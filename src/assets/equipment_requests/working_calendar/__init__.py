"""When people work: hours of the week, holidays and the days that make up for them."""
