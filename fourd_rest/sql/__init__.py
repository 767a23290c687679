"""SQL that Django does not write: what differs between databases, and limits."""
