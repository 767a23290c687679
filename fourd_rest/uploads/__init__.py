"""Uploads: how they are received and kept, and how an entity gets a copy."""
