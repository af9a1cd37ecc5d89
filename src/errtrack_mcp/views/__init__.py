"""The page that a client shows next to an answer: one HTML document, and the files that it is joined from."""
