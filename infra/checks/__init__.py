"""Checks, without AWS, that the template, the state machine and the documents agree."""
