MATCH (r:Ring)
OPTIONAL MATCH (r)-[h:HAS]->(n)
WITH r, [pair IN collect([n.id, h.role]) WHERE pair[0] IS NOT NULL] AS members
RETURN r.id AS id, members
ORDER BY id
