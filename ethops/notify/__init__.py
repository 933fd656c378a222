"""Who is told what, when, and how often: rules, contacts and notices as rows, and a pure policy."""
