"""The ends: Kafka, Neo4j, generators, and the engine that folds batches between them."""
