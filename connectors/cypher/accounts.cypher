UNWIND $ids AS id
MERGE (:Account {id: id})
