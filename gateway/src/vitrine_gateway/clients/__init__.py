"""Clients of the neighbours, one class each, with dataclasses of the gateway's own; nothing here renders pages."""
