"""Writes docs/stages.md from the tables of assets/inventory/lifecycle.py: `python scripts/stages.py`."""

from pathlib import Path

from assets.inventory.lifecycle import BY_TRANSFER, MOVES, Stage, inputs, refused

PAGE = Path(__file__).parents[1] / "docs" / "stages.md"
HEAD = """# Stages of an asset

Drawn by `scripts/stages.py` from the tables of `src/assets/inventory/lifecycle.py`; a test fails when the two differ.
A dashed arrow is a move that only a transfer makes.
"""


def page() -> str:
    """The whole page: picture, what each stage asks for, why what is refused is refused."""
    return f"{HEAD}\n{_picture()}\n## What a move asks for\n\n{_inputs()}\n## Why the other moves are refused\n\n{_reasons()}"


def _picture() -> str:
    lines = ["```mermaid", "flowchart LR"]
    lines += [f'    {stage}["{_name(stage)}"]' for stage in Stage]
    for now_in, wanted in MOVES.items():
        for stage in Stage:
            if stage in wanted:
                arrow = "-.->" if BY_TRANSFER & {now_in, stage} else "-->"
                lines.append(f"    {now_in} {arrow} {stage}")
    return "\n".join([*lines, "```", ""])


def _inputs() -> str:
    lines = ["| to | required | can be told |", "| --- | --- | --- |"]
    for stage in Stage:
        asked = inputs(stage)
        lines.append(f"| `{stage}` | {_names(asked.required)} | {_names(asked.optional)} |")
    return "\n".join([*lines, ""])


def _reasons() -> str:
    lines = ["| from | to | why not |", "| --- | --- | --- |"]
    for now_in in Stage:
        why: dict[str, list[str]] = {}
        for wanted in Stage:
            if wanted is not now_in and (reason := refused(now_in, wanted)):
                why.setdefault(reason, []).append(f"`{wanted}`")
        lines += [f"| `{now_in}` | {', '.join(stages)} | {reason} |" for reason, stages in why.items()]
    return "\n".join([*lines, ""])


def _name(stage: Stage) -> str:
    return stage.replace("_", " ")


def _names(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "–"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
