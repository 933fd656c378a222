"""Commands of people that take part in what the house shares."""
