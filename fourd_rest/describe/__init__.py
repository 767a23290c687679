"""What the server tells about itself: ``$catalog`` and ``$info``."""
