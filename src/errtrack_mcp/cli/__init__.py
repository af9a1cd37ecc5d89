"""The commands, one file each; `main.py` imports a command when it is used."""
