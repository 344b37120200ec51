MATCH (a:Account)-[r:PAID]->(b:Account)
RETURN
  a.id AS source,
  b.id AS target,
  r.edge_id AS edge_id,
  r.asset AS asset,
  r.scale AS scale,
  r.window_start AS window_start,
  r.window_end AS window_end,
  r.count AS count,
  r.amount AS amount,
  r.late AS late,
  r.source_topic AS source_topic,
  r.source_partition AS source_partition,
  r.first_offset AS first_offset,
  r.last_offset AS last_offset,
  r.version AS version
