"""From the record to what people read: our section, the whole card and its pictures."""
