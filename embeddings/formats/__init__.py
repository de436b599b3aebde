"""One file a format: word vectors read from and written to files of other tools."""
