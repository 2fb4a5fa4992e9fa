#!/usr/bin/env python3
"""Words of the panel: both languages have the same keys and placeholders, every key the code names exists, no
words are left over, and what the daemon names (risks, ends, checks) has words."""
import json
import pathlib
import re
import sys

root = pathlib.Path(__file__).resolve().parents[2]
assets = root / "src/web/assets"
words = {lang: json.loads((assets / f"words/{lang}.json").read_text()) for lang in ("ja", "en")}
wrong = []
for key in sorted(set(words["ja"]) | set(words["en"])):
    texts = [words[lang].get(key) for lang in ("ja", "en")]
    if None in texts:
        wrong.append(f"{key}: missing in {'ja' if texts[0] is None else 'en'}.json")
    elif len({frozenset(re.findall(r"\{(\w+)\}", text)) for text in texts}) > 1:
        wrong.append(f"{key}: different placeholders")

code = "\n".join(f.read_text() for f in sorted(assets.glob("js/**/*.js")))
for key in sorted(set(re.findall(r"\bt\('([\w.-]+)'", code)) - set(words["ja"])):
    wrong.append(f"{key}: named in the code, but no words")
# Kinds of names that come as data: named('risk', x), t(`risk.${x}`), and the drawer's table of columns.
prefixes = {f"{p}." for p in re.findall(r"\bnamed\('(\w+)'", code)} | set(re.findall(r"`([\w.]+\.)\$\{", code))
columns = re.search(r"const words = \{(.*?)\};", code, re.S)
prefixes |= {f"{p}." for p in re.findall(r": '(\w+)'", columns.group(1) if columns else "")}
literal = set(re.findall(r"'([\w.-]+)'", code))
for key in words["ja"]:
    if key not in literal and not any(key.startswith(p) for p in prefixes):
        wrong.append(f"{key}: words that nobody shows")

# What the daemon says, in its own tables.
def table(file, pattern):
    return re.findall(pattern, (root / file).read_text())

said = {f"risk.{name}" for name in table("src/record/flow_out.c", r'\[\d+\] = "(\w+)"')}
said |= {f"end.{name}" for name in re.findall(r'"(\w+)"', "".join(table("src/record/flow_row.c", r"end_names\[\] = \{(.*?)\}")))}
said |= {f"f.{name}" for name in table("src/record/flow_row.c", r'\t\{ "([@\w.]+)",') if name not in ("toms.flow.risks", "toms.flow.detail", "toms.medical")}
for key in sorted(said - set(words["ja"])):
    wrong.append(f"{key}: said by the daemon, but no words")
print("\n".join(wrong) or f"words ok: {len(words['ja'])} keys in ja and en")
sys.exit(bool(wrong))
