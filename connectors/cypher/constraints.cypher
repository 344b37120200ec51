CREATE CONSTRAINT tidemark_account IF NOT EXISTS FOR (n:Account) REQUIRE n.id IS UNIQUE;
CREATE CONSTRAINT tidemark_member IF NOT EXISTS FOR (n:Member) REQUIRE n.id IS UNIQUE;
CREATE CONSTRAINT tidemark_cursor IF NOT EXISTS FOR (n:TidemarkCursor) REQUIRE n.shard IS UNIQUE;
CALL db.awaitIndexes(60);
