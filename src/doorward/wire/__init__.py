"""The Seam wire format: route table, dispatch, parameters, errors, paging, OpenAPI.

Knows neither SQL nor doors: what a call does is in doorward.api, who may call is asked of an
Authenticator that the server hands in.
"""
