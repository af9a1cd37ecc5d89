"""Events of internal and test users: PostHog can leave them out of what it counts and lists."""

from typing import Annotated

from pydantic import Field

ONLY_INTERNAL = "No event in this time but those of internal and test users: set test_accounts=true."

TestAccounts = Annotated[bool, Field(description="Count internal and test users")]
