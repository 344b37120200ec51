// `sequence` is the last batch that is in as a whole, `taken` how many edges of the next one are.
// Setting the shard takes the cursor's write lock before the two are read.
MERGE (c:TidemarkCursor {shard: $shard})
  ON CREATE SET c.sequence = -1, c.taken = 0, c.ranges = ''
SET c.shard = $shard
WITH c, c.sequence AS applied, c.taken AS taken
FOREACH (_ IN CASE WHEN applied + 1 <> $sequence THEN []
                   WHEN taken + $most < $edges THEN []
                   ELSE [0] END |
  SET c.sequence = $sequence, c.taken = 0, c.ranges = $ranges)
FOREACH (_ IN CASE WHEN applied + 1 = $sequence AND taken + $most < $edges THEN [0] ELSE [] END |
  SET c.taken = taken + $most)
RETURN applied, taken
