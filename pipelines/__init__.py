"""vecmill, the programs: stages, command line and batch jobs on top of `corpora` and `embeddings`."""
