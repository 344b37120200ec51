"""Rings of launderers in the graph of transfers: found, raised as alerts, written to Neo4j."""
