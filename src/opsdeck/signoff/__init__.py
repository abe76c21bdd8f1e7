"""Sign-off: who deployed, verified and approved a release, on which evidence. Knows no terminal."""
