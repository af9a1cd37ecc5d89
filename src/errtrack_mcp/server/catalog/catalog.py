"""The catalog: one decision for tools, prompts, skills, resource templates and completion of each caller."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from mcp.server.context import ServerRequestContext
from mcp_types import Prompt as ListedPrompt
from mcp_types import PromptArgument, ResourceTemplate
from mcp_types import Tool as ListedTool

from errtrack_mcp.server.catalog.definition import definition, returned_by
from errtrack_mcp.server.catalog.filters import Selection, select, unknown_names
from errtrack_mcp.server.catalog.panels import listed_meta
from errtrack_mcp.server.catalog.schemas import PROJECT
from errtrack_mcp.server.catalog.toolsets import EVERY_TOOLSET, PAGES, toolsets_for
from errtrack_mcp.server.catalog.untrusted import notice
from errtrack_mcp.server.prompts import PROMPTS
from errtrack_mcp.server.prompts.base import GatedPrompt
from errtrack_mcp.server.resources import JSON, TEMPLATES, Template
from errtrack_mcp.settings import ConfigurationError, Settings
from errtrack_mcp.skills.skill import SKILLS, Skill
from errtrack_mcp.tools.annotations import Tool

RequestContext = ServerRequestContext[Any, Any]


@dataclass(frozen=True, slots=True)
class Narrowing:
    """The restrictions of one caller; with `project_fixed` no argument can choose the project."""

    selection: Selection = field(default_factory=Selection)
    project_fixed: bool = False


class OfferedTool(NamedTuple):
    """A tool as one caller sees it: what runs, what is listed, and what goes with its answers.

    `page` returns the page of PostHog's web app from an origin, a project and an answer.
    """

    tool: Tool
    listed: ListedTool
    page: Callable[[str, str | int, Mapping[str, Any]], str]

    @property
    def notice(self) -> str:
        """The sentence that says which values of its answers are data."""
        return notice(returned_by(self.tool))

    @property
    def argument_names(self) -> list[str]:
        """The arguments that the caller may give."""
        return list(self.listed.input_schema["properties"])


class CallerCatalog(NamedTuple):
    """The catalog of one caller; prompts, skills and templates follow from the tools that they use."""

    tools: Mapping[str, OfferedTool]

    @property
    def prompts(self) -> dict[str, GatedPrompt]:
        """The prompts whose tools the caller may all call, by name."""
        return {gated.prompt.name: gated for gated in PROMPTS if gated.needs <= self.tools.keys()}

    @property
    def skills(self) -> dict[str, Skill]:
        """The skills whose needed tools the caller may all call, by address."""
        return {skill.uri: skill for skill in SKILLS if skill.needs <= self.tools.keys()}

    @property
    def templates(self) -> list[Template]:
        """The resource templates whose tool the caller may call."""
        return [template for template in TEMPLATES if template.tool in self.tools]


class Catalog:
    """Everything that this process offers, as its settings allow.

    `local` says that the caller runs this process and may have files of this machine read; `narrowing_of` reads from a
    request what its caller gives up. Raises ConfigurationError for a name in the settings that stands for no tool or
    toolset.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        local: bool = False,
        narrowing_of: Callable[[RequestContext], Narrowing] = lambda _request: Narrowing(),
    ) -> None:
        excluded = settings.exclude_tools or frozenset()
        self._operator = Selection(settings.read_only, settings.toolsets, settings.tools, excluded)
        if problems := unknown_names(EVERY_TOOLSET, self._operator):
            raise ConfigurationError(problems)
        self._toolsets = toolsets_for(local=local, source_code_over_http=settings.source_code_over_http)
        self._project_fixed = settings.project_id is not None or settings.environment_id is not None
        self._narrowing_of = narrowing_of
        self.text_only = settings.text_only
        self.panels = settings.panels
        self._catalogs: dict[Narrowing, CallerCatalog] = {}
        self.whole = self.narrowed(Narrowing())

    def for_caller(self, request: RequestContext) -> CallerCatalog:
        """Return what the caller of this request may see and call."""
        return self.narrowed(self._narrowing_of(request))

    def narrowed(self, narrowing: Narrowing) -> CallerCatalog:
        """Return what is left after a narrowing. Kept: there are no more of these than combinations of toolsets."""
        if narrowing not in self._catalogs:
            with_project = not (self._project_fixed or narrowing.project_fixed)
            tools = select(self._toolsets, self._operator, narrowing.selection)
            self._catalogs[narrowing] = CallerCatalog({tool.name: self._offered(tool, with_project) for tool in tools})
        return self._catalogs[narrowing]

    def _offered(self, tool: Tool, with_project: bool) -> OfferedTool:  # noqa: FBT001
        defined = definition(tool)
        if not with_project:
            del defined["inputSchema"]["properties"][PROJECT]
        if self.text_only:
            del defined["outputSchema"]
        listed = ListedTool.model_validate({**defined, "_meta": listed_meta(tool, panels=self.panels)})
        [page] = [PAGES[toolset] for toolset, tools in self._toolsets.items() if tool in tools]
        return OfferedTool(tool, listed, page)

    def input_schema(self, name: str) -> dict[str, Any] | None:
        """Return a tool's input schema, or None; the SDK looks for parameters that travel in HTTP headers there."""
        offered = self.whole.tools.get(name)
        return offered.listed.input_schema if offered else None


def listed_prompt(gated: GatedPrompt) -> ListedPrompt:
    """Return a prompt as a client lists it."""
    prompt = gated.prompt
    arguments = [PromptArgument(**argument.model_dump()) for argument in prompt.arguments or []]
    return ListedPrompt(name=prompt.name, title=prompt.title, description=prompt.description, arguments=arguments)


def listed_template(template: Template) -> ResourceTemplate:
    """Return a resource template as a client lists it."""
    return ResourceTemplate(
        uri_template=str(template.uri),
        name=template.name,
        title=template.title,
        description=template.description,
        mime_type=JSON,
    )
