"""What a request asks, as values. Nothing here knows a dataclass, a caller or the database."""
