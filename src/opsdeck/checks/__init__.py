"""What a look proves: documents judged by expectations, and what is kept of both."""
