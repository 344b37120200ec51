RETURN
  COUNT { MATCH (:Account) } AS accounts,
  COUNT { MATCH (:Member) } AS members,
  COUNT { MATCH ()-[:PAID]->() } AS payments,
  COUNT { MATCH ()-[:OWES]->() } AS obligations
