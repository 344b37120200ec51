MERGE (r:Ring {id: $id})
SET r.sink = $sink, r.score = $score, r.amount = $amount, r.time = $time, r.version = $version
FOREACH (_ IN CASE WHEN $outside = '' THEN [] ELSE [0] END |
  MERGE (a:Account {id: $outside})
  MERGE (r)-[h:HAS]->(a)
  SET h.role = 'sink')
FOREACH (m IN [m IN $members WHERE m.id <> $outside] |
  MERGE (c:Customer {id: m.id})
  MERGE (r)-[h:HAS]->(c)
  SET h.role = m.role, h.centrality = m.centrality)
