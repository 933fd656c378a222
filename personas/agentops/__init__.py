"""What runs did, as events and one picture of the world, and what the house does about it."""
