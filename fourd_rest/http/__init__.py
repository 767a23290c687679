"""HTTP: who sends a request, its body, and files as answers."""
