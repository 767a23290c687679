"""Pictures: what a file is, whether it decodes, other formats and sizes."""
