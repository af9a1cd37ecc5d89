"""What an assistant can call, one module for each subject; `toolsets` lists them all."""
