"""make bench: the product's speed and memory, beside floors, peers, and the version before."""
