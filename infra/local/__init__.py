"""The local twin of the deployment, and the demo: a local AWS, the stand-ins, the template."""
