"""The resources: one view for each kind of address, and what all of them share."""
