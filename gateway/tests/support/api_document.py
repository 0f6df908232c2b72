"""A small OpenAPI document with one of each thing the API page shows."""

from __future__ import annotations

from typing import Any

OPENAPI: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "Example API", "version": "1.2.3", "description": "What it is for."},
    "paths": {
        "/api/example/v1/things": {
            "get": {
                "operationId": "list_things",
                "summary": "List things",
                "tags": ["things"],
                "security": [],
                "parameters": [
                    {
                        "name": "limit",
                        "in": "query",
                        "required": True,
                        "description": "How many.",
                        "schema": {"type": "integer"},
                    },
                    {"$ref": "#/components/parameters/After"},
                ],
                "responses": {
                    "200": {
                        "description": "OK",
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}},
                    }
                },
            },
            "post": {
                "summary": "Make a thing",
                "description": "It is made at once.",
                "tags": ["things"],
                "x-permission": "things:write",
                "security": [{"bearer": []}],
                "requestBody": {
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}
                },
                "responses": {
                    "201": {"description": "Created"},
                    "422": {"$ref": "#/components/responses/Refused"},
                },
            },
        },
        "/api/example/v1/me": {
            "delete": {
                "summary": "Go",
                "security": [{"bearer": []}],
                "responses": {"204": {"description": "Gone"}},
            }
        },
    },
    "components": {
        "parameters": {"After": {"name": "after", "in": "query", "schema": {"type": ["string", "null"]}}},
        "responses": {
            "Refused": {
                "description": "Refused",
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Gone"}}},
            }
        },
        "schemas": {
            "Thing": {
                "type": "object",
                "required": ["name"],
                "properties": {
                    "name": {"type": "string", "description": "What it is called."},
                    "colour": {"enum": ["red", "green"]},
                    "parts": {"type": "array", "items": {"$ref": "#/components/schemas/Part"}},
                    "made_at": {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}]},
                    "kind": {"const": "thing"},
                    "anything": {},
                },
            },
            "Part": {
                "type": "object",
                "properties": {"size": {"type": "integer"}, "inner": {"$ref": "#/components/schemas/Part"}},
            },
        },
    },
}
