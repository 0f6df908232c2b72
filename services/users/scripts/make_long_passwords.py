"""Writes the list of long common passwords that registration refuses; run by hand when a seed changes.

    python scripts/make_long_passwords.py

Public lists of leaked passwords hold almost no entry of fifteen characters or more, because the systems that
leaked them asked for less. People who are made to choose a longer one repeat, pair and pad the short ones; so
does this script. The seeds lie beside it, so that the list can be made again anywhere, without a network.
"""

from __future__ import annotations

from itertools import product
from pathlib import Path

MIN_CHARS = 15
MAX_CHARS = 40
SEEDS = Path(__file__).parent / "seeds"
TARGET = Path(__file__).parent.parent / "src" / "vitrine_users" / "accounts" / "long_passwords.txt"

# What is chosen most where short passwords are allowed; the first ones are paired with everything.
FAVOURITES = (SEEDS / "favourites.txt").read_text(encoding="utf-8").split()

WORDS = (SEEDS / "words.txt").read_text(encoding="utf-8").split()

PADDING = [
    "1",
    "12",
    "123",
    "1234",
    "12345",
    "123456",
    "1234567",
    "12345678",
    "123456789",
    "1234567890",
    "0000",
    "1111",
    "2020",
    "2021",
    "2022",
    "2023",
    "2024",
    "2025",
    "2026",
    "007",
    "69",
    "420",
    "!",
    "!!",
    "!!!",
    "123!",
]

PHRASES = (SEEDS / "phrases.txt").read_text(encoding="utf-8").split()

ROWS = [
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "azertyuiop",
    "qwertzuiop",
    "1234567890",
    "0987654321",
    "abcdefghijklmnopqrstuvwxyz",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm",
    "q1w2e3r4t5y6u7i8o9p0",
    "147258369",
    "159357",
]


def padded(text: str) -> set[str]:
    """The text itself, and with each usual ending."""
    return {text, *(text + ending for ending in PADDING)}


def repeated(text: str) -> set[str]:
    """The text said again until it is long enough, and once more."""
    times = -(-MIN_CHARS // len(text))
    return {text * count for count in range(max(2, times), times + 3)}


def walks() -> set[str]:
    """Rows of the keyboard, the alphabet and the digits from every start, both ways, and single keys."""
    found: set[str] = set()
    for row in ROWS:
        for line in (row, row[::-1]):
            endless = line * 5
            found |= {
                endless[start : start + length] for start in range(len(line)) for length in range(15, 21)
            }
    keys = "abcdefghijklmnopqrstuvwxyz0123456789!.*-"
    found |= {key * length for key in keys for length in range(15, 21)}
    found |= {(first + second) * 8 for first, second in product("0123456789", repeat=2)}
    return found


def dates() -> set[str]:
    """A month or season with its year, twice, and birthdays written twice."""
    months = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
        "spring",
        "summer",
        "autumn",
        "winter",
    ]
    found = {f"{month}{year}" * 2 for month in months for year in range(2015, 2031)}
    found |= {
        f"{month}{year}{tail}"
        for month in months
        for year in range(2015, 2031)
        for tail in ("!!!!!", "12345678")
    }
    return found | {
        f"{day:02}{month:02}{year}" * 2
        for day in range(1, 32)
        for month in (1, 6, 12)
        for year in (1990, 2000)
    }


def candidates() -> set[str]:
    """Everything the seeds give, of any length."""
    found: set[str] = walks() | dates()
    for phrase in PHRASES:
        found |= padded(phrase)
    for word in FAVOURITES + WORDS:
        found |= repeated(word)
        found |= {word * 2 + ending for ending in PADDING}
        found |= {
            word + ending for ending in ("123456789012", "1234567890123", "12345678912345", "!!!!!!!!!!")
        }
    for first, second in product(FAVOURITES, FAVOURITES + WORDS):
        found |= {first + second, second + first}
    for first, second in product(FAVOURITES[:12], FAVOURITES):
        found |= {first + second + ending for ending in PADDING[:10]}
    return found


def folded(text: str) -> str:
    """The form in which passwords are compared: case-folded, without the separators between words."""
    return "".join(char for char in text.casefold() if char not in " -_.")


def main() -> None:
    chosen = sorted({entry for text in candidates() if MIN_CHARS <= len(entry := folded(text)) <= MAX_CHARS})
    TARGET.write_text("\n".join(chosen) + "\n", encoding="utf-8")
    print(f"{len(chosen)} entries in {TARGET.name}")


if __name__ == "__main__":
    main()
