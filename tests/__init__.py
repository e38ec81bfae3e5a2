"""Doorward's tests: mirrors src/, and what crosses it (clients, contract, properties, faults)."""
