"""Several sample sets in one view: the checkpoints of a run, and two of them side by side."""
