"""Ways of working with the tools, as Agent Skills: a folder with a SKILL.md each, and what reads them."""
