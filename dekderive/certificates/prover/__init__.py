"""Finding proofs: what a certificate holds.  Nothing here has to be trusted, the checker decides."""
