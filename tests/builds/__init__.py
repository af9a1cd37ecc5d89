"""Reading build directories, on real bundles."""
