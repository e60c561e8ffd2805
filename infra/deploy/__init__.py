"""What brings a release to AWS and looks at it there: package, deploy, doctor, smoke."""
