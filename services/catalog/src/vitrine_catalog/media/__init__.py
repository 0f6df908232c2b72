"""Pictures of products: upload, inspection, storage and removal."""
