"""One GPU against another on the same work: a harness, a report of its records, and a check of what is submitted."""
