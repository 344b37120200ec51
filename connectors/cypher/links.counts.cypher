RETURN
  COUNT { MATCH (:Customer) } AS customers,
  COUNT { MATCH (:Account) } AS accounts,
  COUNT { MATCH (:Alert) } AS alerts,
  COUNT { MATCH (:Ring) } AS rings,
  COUNT { MATCH ()-[:SENT]->() } AS sent,
  COUNT { MATCH ()-[:OWNS]->() } AS owns,
  COUNT { MATCH ()-[:ABOUT]->() } AS about
