"""How far agents may go: budgets, the fleet's breaker, what was right, and what follows from it."""
