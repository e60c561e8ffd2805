"""What of the template, the state machine and the documents must agree, looked at without AWS."""
