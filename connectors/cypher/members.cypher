UNWIND $ids AS id
MERGE (:Member {id: id})
