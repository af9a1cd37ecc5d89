"""The house: which way imports point, how long a file is, who may import what."""

import ast
import re
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "errtrack_mcp"
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
CHOOSES_OR_REPEATS = (
    *(ast.If, ast.IfExp, ast.BoolOp, ast.Match, ast.ExceptHandler),
    *(ast.For, ast.AsyncFor, ast.While, ast.comprehension),
)
FILES = sorted(SOURCE.rglob("*.py"))
EVERY_FILE = pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(SOURCE)))

# Highest first: a folder (or a module at the root) imports from its own layer's folder and from the layers below it.
LAYERS = (
    {"__main__"},
    {"cli"},
    {"login"},
    {"remote", "client_config"},
    {"server"},
    {"settings"},
    {"tools"},
    {"builds", "api", "symbolication", "views", "skills"},
    {"loopback", "python_module", "__init__"},
)
APART = {"sandbox"}  # only the commands start it; it imports nothing of ours but what reads files of symbol sets
TESTS = Path(__file__).parent


def layer_of(place: str) -> int:
    """Return the number of a folder's layer, counted from the top. Raises LookupError for a folder that has none."""
    for number, places in enumerate(LAYERS):
        if place in places:
            return number
    raise LookupError(f"{place} is in no layer: add it to LAYERS")


def may_import(importer: str, imported: str) -> bool:
    """Return whether files below one place may import from another. Raises LookupError for an unknown place."""
    if importer == imported:
        return True
    if importer in APART:
        return imported in {"__init__", "symbolication"}
    if imported in APART:
        return importer == "cli"
    return layer_of(importer) < layer_of(imported)


def imports_of(file: Path) -> set[str]:
    """Return every module that a file imports, wherever in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


@EVERY_FILE
def test_imports_point_down(file: Path) -> None:
    """No file imports what stands above it."""
    place = file.relative_to(SOURCE).parts[0].removesuffix(".py")
    ours = {name for name in imports_of(file) if name.split(".")[0] == "errtrack_mcp"}
    reached = {name.split(".")[1] if "." in name else "__init__" for name in ours}
    assert not {other for other in reached if not may_import(place, other)}


def test_an_unknown_folder_is_refused() -> None:
    """A new folder gets no rights by default: somebody has to give it a layer."""
    with pytest.raises(LookupError, match="newcomer is in no layer"):
        may_import("newcomer", "api")
    with pytest.raises(LookupError, match="newcomer is in no layer"):
        may_import("server", "newcomer")


@EVERY_FILE
def test_a_full_file_is_about_300_lines(file: Path) -> None:
    """What grows beyond that is split by subject."""
    assert len(file.read_text().splitlines()) <= 320


@EVERY_FILE
def test_a_function_fits_on_a_screen(file: Path) -> None:
    """No function is longer than 40 lines, docstring not counted."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, FUNCTIONS) and node.end_lineno:
            first = node.body[1] if ast.get_docstring(node) and len(node.body) > 1 else node.body[0]
            assert node.end_lineno - first.lineno < 40, node.name


def test_httpx_is_imported_in_one_file() -> None:
    """Its successor is then a change of one file."""
    assert [file.name for file in FILES if "httpx" in imports_of(file)] == ["transport.py"]


@EVERY_FILE
def test_only_the_server_side_knows_mcp(file: Path) -> None:
    """Every other folder, a new one too, knows nothing of the protocol."""
    if file.relative_to(SOURCE).parts[0] not in {"cli", "remote", "server", "tools"}:
        assert not {name for name in imports_of(file) if name.split(".")[0] in {"mcp", "mcp_types"}}


def has_logic(source: str) -> bool:
    """Return whether a function of a module chooses or repeats; where each only does one line after the other, none."""
    functions = [node for node in ast.walk(ast.parse(source)) if isinstance(node, FUNCTIONS)]
    return any(isinstance(node, CHOOSES_OR_REPEATS) for function in functions for node in ast.walk(function))


@pytest.mark.parametrize(
    ("source", "logic"),
    [
        ("LIMIT = 3 if DEBUG else 5", False),
        ("def make():\n    with opened() as file:\n        return Reader(file)", False),
        ("class Reader:\n    async def read(self):\n        return self.kept or await self.fetch()", True),
        ("def names(rows):\n    return [row.name for row in rows]", True),
        ("def read():\n    try:\n        fetch()\n    except OSError:\n        stop()", True),
    ],
)
def test_logic_is_what_chooses_or_repeats(source: str, logic: bool) -> None:  # noqa: FBT001
    """Declarations, and functions that only put things together, need no test file of their own."""
    assert has_logic(source) is logic


def has_test_file(module: Path) -> bool:
    """Return whether there is a test file of a module's name, or of its package's.

    Commands are tested as processes, and a resource of the sandbox through the tools that ask for it.
    """
    package = module.parent
    by_package = TESTS / package.parent / f"test_{package.name}.py"
    as_process = [TESTS / "e2e" / f"test_{name}.py" for name in (module.stem, package.name) if module.parts[0] == "cli"]
    own = TESTS / package / f"test_{module.name}"
    through_tools = TESTS / "tools" / f"test_{module.name}"
    if module.parts[0] == "sandbox" and through_tools.exists():
        return True
    return own.exists() or (len(module.parts) > 2 and by_package.exists()) or any(path.exists() for path in as_process)


def test_a_module_with_logic_has_a_test_file_of_its_name() -> None:
    """Who changes a module finds its tests."""
    with_logic = [file.relative_to(SOURCE) for file in FILES if has_logic(file.read_text())]
    assert not [module.as_posix() for module in with_logic if not has_test_file(module)]


def test_no_test_imports_another_test() -> None:
    """What two of them use is in tests/support."""
    files = [file for file in TESTS.rglob("*.py") if "node_modules" not in file.parts]
    assert len(files) > 80
    for file in files:
        assert not {name for name in imports_of(file) if re.match(r"tests\.(?!support\b)", name)}, file
