"""Read what people wrote: `opsdeck.toml`, `checklists.toml`."""
