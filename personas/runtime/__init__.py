"""One run: context, question, plan, proposal, checkpoint."""
