"""The pictures of products: adding, describing, ordering and removing them. Their files are kept by `media`."""
