"""What holds for every call and every input."""
