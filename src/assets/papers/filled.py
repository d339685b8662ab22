"""A process of its own that fills somebody's .docx template: what goes wrong there cannot hurt the service.

Read from stdin as JSON: `template` (base64) and `values`; the answer on stdout is JSON too: `file` (base64), or `why` it
cannot be and at which `line` of the template. Templates come from administrators, but they are programs: this process has
limits of memory and time, its Jinja environment is sandboxed and cannot multiply a text, and nothing here opens a
connection.
"""

import base64
import contextlib
import io
import json
import sys
from collections.abc import Mapping
from typing import Any

from assets import apart

MEGABYTES_MAX = 768  # a paper of 1,000 lines needs a tenth of it
SECONDS_MAX = 20  # of the processor
WHY_MAX = 300


def main() -> None:
    """Fill one template."""
    apart.limit(MEGABYTES_MAX, SECONDS_MAX)
    asked = json.loads(sys.stdin.buffer.read())
    with contextlib.redirect_stdout(sys.stderr):
        answer = fill(base64.b64decode(asked["template"]), asked["values"])
    json.dump(answer, sys.stdout)


def fill(template: bytes, values: Mapping[str, Any]) -> dict[str, Any]:
    """The filled file, or why not: with the line of the template where Jinja says it."""
    from docxtpl.template import DocxTemplate
    from jinja2 import StrictUndefined, TemplateError
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    from assets.papers.document import dotted, long_day, money, short_day

    def dots(value: Any, count: int = 20) -> str:
        return dotted("" if value is None else str(value), min(int(count), 200))

    class Environment(ImmutableSandboxedEnvironment):
        """Values and loops over them; what would make much of little is refused."""

        intercepted_binops = frozenset({"*", "**", "%"})

        def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
            if not all(isinstance(side, int | float) for side in (left, right)) or operator == "**":
                raise TemplateError(f"{operator} is for numbers only")
            return super().call_binop(context, operator, left, right)

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, finalize=lambda value: "" if value is None else value
    )
    environment.globals = {}
    # Those of Jinja that can widen a text without end are left out.
    usual = ("default", "first", "groupby", "int", "join", "last", "length", "lower", "sum", "title", "upper")
    environment.filters = {name: environment.filters[name] for name in usual}
    environment.filters |= {
        "money": money, "day": lambda value: short_day(_day(value)), "long_day": lambda value: long_day(_day(value)),
        "dots": dots,
    }  # fmt: skip
    try:
        file = DocxTemplate(io.BytesIO(template))
        file.render(dict(values), environment, autoescape=True)
        made = io.BytesIO()
        file.save(made)
    except TemplateError as error:
        return {"why": (error.message or type(error).__name__)[:WHY_MAX], "line": getattr(error, "lineno", None)}
    except MemoryError:
        return {"why": "memory"}
    except Exception as error:  # noqa: BLE001  # whatever a template brings about is its fault, and is said to its author
        return {"why": f"{type(error).__name__}: {error}"[:WHY_MAX]}
    return {"file": base64.b64encode(made.getvalue()).decode()}


def _day(value: Any) -> Any:
    from datetime import date

    return date.fromisoformat(value) if value else None


if __name__ == "__main__":
    main()
