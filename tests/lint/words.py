#!/usr/bin/env python3
"""Words of the panel: both languages have the same keys and placeholders, and every key the code names exists."""
import json
import pathlib
import re
import sys

assets = pathlib.Path(__file__).resolve().parents[2] / "src/web/assets"
words = {lang: json.loads((assets / f"words/{lang}.json").read_text()) for lang in ("ja", "en")}
wrong = []
for key in sorted(set(words["ja"]) | set(words["en"])):
    texts = [words[lang].get(key) for lang in ("ja", "en")]
    if None in texts:
        wrong.append(f"{key}: missing in {'ja' if texts[0] is None else 'en'}.json")
    elif len({frozenset(re.findall(r"\{(\w+)\}", text)) for text in texts}) > 1:
        wrong.append(f"{key}: different placeholders")
code = "\n".join(f.read_text() for f in assets.glob("js/**/*.js"))
shown = set(re.findall(r"\bt\('([\w.-]+)'", code))
shown |= {a or b for a, b in re.findall(r"fact\('([\w.-]+)'|field\('\w+', '([\w.-]+)'", code)}
for key in sorted(shown - set(words["ja"])):
    wrong.append(f"{key}: named in the code, but no words")
prefixes = {p for p in re.findall(r"t\(`([\w.]+\.)\$\{", code)}
named = set(re.findall(r"'([\w.-]+)'", code))
for key in words["ja"]:
    if key not in named and not any(key.startswith(p) for p in prefixes):
        wrong.append(f"{key}: words that nobody shows")
print("\n".join(wrong) or f"words ok: {len(words['ja'])} keys in ja and en")
sys.exit(bool(wrong))
