UNWIND $ids AS id
MERGE (:Alert {id: id})
