"""Reports on finished trainings: on the terminal, as documents, and as plots."""
