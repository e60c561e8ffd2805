"""The local twin: a local AWS, the stand-ins, and the deployment of the very template of production."""
