UNWIND $ids AS id
MERGE (:Customer {id: id})
