"""What is installed, and whether what is written about it is true."""
