UNWIND $rows AS row
MATCH (a:Account {id: row[0]})
MATCH (b:Account {id: row[1]})
CREATE (a)-[:PAID {
  edge_id: row[2],
  asset: row[3],
  scale: row[4],
  window_start: row[5],
  window_end: row[6],
  count: row[7],
  amount: row[8],
  late: row[9],
  source_topic: row[10],
  source_partition: row[11],
  first_offset: row[12],
  last_offset: row[13],
  version: row[14]
}]->(b)
