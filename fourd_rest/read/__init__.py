"""Reads: source → selection → page → reader → projection → JSON."""
