"""Checks for mode collapse: each looks at one thing, and says in a finding what it saw and how sure that is."""
