"""The jobs as pictures: feeds into a step, results out."""
