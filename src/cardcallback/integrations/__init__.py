"""Ways in for tools that make the trainer themselves; each module is loaded by its tool, never by us."""
