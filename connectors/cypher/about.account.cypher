UNWIND $rows AS row
MATCH (a:Alert {id: row[0]})
MATCH (b:Account {id: row[1]})
SET a.rule = row[8], a.band = row[9], a.time = row[4]
CREATE (a)-[:ABOUT {
  link_id: row[2],
  event: row[3],
  time: row[4],
  amount: row[5],
  currency: row[6],
  scale: row[7],
  rule: row[8],
  band: row[9],
  source_topic: row[10],
  source_partition: row[11],
  source_offset: row[12],
  version: row[13]
}]->(b)
