"""The local twin of the deployment: a local AWS, the stand-ins, and production's own template."""
