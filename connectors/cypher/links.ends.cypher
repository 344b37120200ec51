RETURN
  EXISTS { MATCH (:Customer {id: $a}) } OR EXISTS { MATCH (:Account {id: $a}) } AS a,
  EXISTS { MATCH (:Customer {id: $b}) } OR EXISTS { MATCH (:Account {id: $b}) } AS b
