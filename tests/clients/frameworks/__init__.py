"""One script for each framework, which runs in their own environment. Usage: SCRIPT COMMAND ARGUMENT...

Each connects to the server that the command starts, lists the tools, lists two releases, asks for the preview of the
deletion of the first one, and prints what it saw as JSON.
"""
