"""What came of a training, in words and pictures."""
