"""What is written: from the posted entities to their rows, and the answers."""
