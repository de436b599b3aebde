"""What word vectors are worth in use: tasks on tagged text, learned from E and from a random start."""
