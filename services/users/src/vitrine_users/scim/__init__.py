"""SCIM 2.0 (RFC 7643, 7644): a company's directory keeps people and their roles here in step."""
