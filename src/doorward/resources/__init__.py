"""The objects that the API returns, as typed structs, one module a resource.

Field names, types, nullability and presence are the official OpenAPI's. Nothing of ours is imported
here: a row becomes a resource in doorward.store, and an event is made in doorward.events.
"""
