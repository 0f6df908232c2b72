"""Mail to people: texts in their language, an outbox within the transaction, and its delivery by the worker."""
