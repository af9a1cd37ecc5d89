"""What is made from the code and kept next to it: `make docs`."""
