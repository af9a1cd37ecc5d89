"""The tools, one module for each resource or workflow; `server/catalog/toolsets.py` lists them all."""
