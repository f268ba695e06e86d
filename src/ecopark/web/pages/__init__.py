"""One file per group of pages; each exports a `router`."""
