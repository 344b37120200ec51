CREATE CONSTRAINT tidemark_customer IF NOT EXISTS FOR (n:Customer) REQUIRE n.id IS UNIQUE;
CREATE CONSTRAINT tidemark_account IF NOT EXISTS FOR (n:Account) REQUIRE n.id IS UNIQUE;
CREATE CONSTRAINT tidemark_alert IF NOT EXISTS FOR (n:Alert) REQUIRE n.id IS UNIQUE;
CREATE CONSTRAINT tidemark_ring IF NOT EXISTS FOR (n:Ring) REQUIRE n.id IS UNIQUE;
CREATE CONSTRAINT tidemark_links_cursor IF NOT EXISTS
  FOR (n:TidemarkLinksCursor) REQUIRE n.shard IS UNIQUE;
CALL db.awaitIndexes(60);
