"""Skip-gram and CBOW with negative sampling."""
