"""Doorward: a self-hosted access-control server that speaks the Seam API."""
