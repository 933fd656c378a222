"""The split profile: each family of processes is a user of the operating system of its own."""
