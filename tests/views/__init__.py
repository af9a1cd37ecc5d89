"""The page that clients show next to an answer: as a document, and in a real browser."""
