"""The service desk: takes in, classifies, dispatches, escalates."""
