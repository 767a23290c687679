"""Stamps: where they are kept, who reads them, and the one mover that moves them."""
