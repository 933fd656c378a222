"""Knowledge: documents of one branch of a git repository, found by tags, words and meaning."""
