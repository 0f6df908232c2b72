"""Full-text search over products, best first."""
