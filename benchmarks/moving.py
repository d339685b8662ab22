"""A column of which every value moves, as snmpd's `pass_persist` asks for it: `python moving.py COLUMN ROWS`.

Each walk from the start of the column finds other values than the one before, of the same size.
"""

import sys

FIRST = 3_000_000_000  # four octets and a zero before them, however far it goes


def main() -> None:
    """Answer until the agent closes the pipe."""
    column, rows = sys.argv[1].strip("."), int(sys.argv[2])
    walks = 0
    for line in iter(sys.stdin.readline, ""):
        word = line.strip()
        if word == "PING":
            told = "PONG"
        elif word in ("get", "getnext"):
            name = sys.stdin.readline().strip().strip(".")
            index = name.removeprefix(column).strip(".")
            row = int(index) if index.isdigit() else 0
            if word == "getnext":
                walks += row == 0
                row += 1
            told = f".{column}.{row}\ncounter\n{FIRST + 11_111 * row + 7 * walks}" if 0 < row <= rows else "NONE"
        else:
            told = "NONE"
        sys.stdout.write(f"{told}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
