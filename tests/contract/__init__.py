"""Doorward held against the official OpenAPI document of the npm package `@seamapi/types`."""
