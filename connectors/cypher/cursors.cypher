MATCH (c:TidemarkCursor)
RETURN c.shard AS shard, c.sequence AS sequence
ORDER BY shard
