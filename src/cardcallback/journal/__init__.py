"""A run's figures on disk while it lives, for when it is killed."""
