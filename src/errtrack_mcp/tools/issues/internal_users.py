"""Events of internal and test users: PostHog can leave them out of what it counts and lists."""

from typing import Annotated

from pydantic import Field

TestAccounts = Annotated[bool, Field(description="Count internal and test users")]
