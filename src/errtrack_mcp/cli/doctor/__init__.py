"""The checks of `doctor`: each finds one reason why a tool call would fail, and says what to do about it."""
