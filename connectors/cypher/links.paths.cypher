OPTIONAL MATCH (ac:Customer {id: $a})
OPTIONAL MATCH (aa:Account {id: $a})
OPTIONAL MATCH (bc:Customer {id: $b})
OPTIONAL MATCH (ba:Account {id: $b})
WITH coalesce(ac, aa) AS a, coalesce(bc, ba) AS b
MATCH p = allShortestPaths((a)-[:SENT|PAID|OWNS*..3]-(b))
WITH p LIMIT $most
WITH [n IN nodes(p) | [head(labels(n)), n.id]] AS nodes, collect(p)[0] AS p
WITH nodes, [r IN relationships(p) |
  r {.*, type: type(r), source: startNode(r).id, target: endNode(r).id}] AS links
RETURN nodes, links
ORDER BY nodes
LIMIT $shown
