"""The only door to typst: a template of dashboards/papers and its data become a file."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import anyio
import typst

from assets.paths import data_dir

AT_ONCE = anyio.CapacityLimiter(2)  # papers that are set at the same time; more would only share the same cores


async def pdf(template: str, data: Mapping[str, Any]) -> bytes:
    """The paper as a PDF. The data reaches the template as JSON and is never part of its source."""
    (whole,) = await _set(template, data, "pdf")
    return whole


async def pictures(template: str, data: Mapping[str, Any], *, ppi: int) -> list[bytes]:
    """The paper's pages as PNG."""
    return await _set(template, data, "png", ppi=ppi)


async def _set(template: str, data: Mapping[str, Any], form: Any, **more: Any) -> list[bytes]:
    def work() -> list[bytes]:
        folder = data_dir("dashboards") / "papers"
        compiler = typst.Compiler(folder / f"{template}.typ", root=folder, font_paths=_fonts(folder))
        made = compiler.compile(format=form, sys_inputs={"data": json.dumps(data)}, **more)
        assert made is not None
        return [made] if isinstance(made, bytes) else made

    return await anyio.to_thread.run_sync(work, limiter=AT_ONCE)


@cache
def _fonts(folder: Path) -> typst.Fonts:
    # The same fonts on every machine: those of set-up and typst's own, which know Vietnamese, never the system's.
    return typst.Fonts(include_system_fonts=False, font_paths=[folder / "fonts"])
