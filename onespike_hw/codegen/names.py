"""Layer names as identifiers that Verilog and C++ take."""

from __future__ import annotations

import re
from collections.abc import Iterable

_RESERVED_WORDS = """
    always and assign automatic before begin bit break buf byte case class clk const constraint continue cover
    default design disable do edge else end enum event extern final for force fork function generate genvar global
    if import in inout input inside int integer join library local localparam logic longint module nand new nor
    not null or output package parameter posedge primitive priority priority_case program property pure rand real
    reg release repeat return rst scalared sequence shortint signed small specify static string struct super
    supply0 supply1 table task this throughout time tri type typedef union unique unsigned use var vectored
    virtual void wait wand while wire with wor xnor xor asm auto bool catch char delete double explicit false
    float friend goto inline long namespace operator private protected public register short sizeof switch
    template true try typeid typename using volatile
"""
_RESERVED = frozenset(_RESERVED_WORDS.split())


def identifiers(names: Iterable[str]) -> dict[str, str]:
    """A distinct identifier for each name: letters, digits and underscores, no keyword of Verilog or C++.

    Deterministic; a name that already is such an identifier keeps its spelling unless an earlier one took it.
    """
    taken: set[str] = set()
    result: dict[str, str] = {}
    for name in names:
        word = re.sub(r"\W", "_", name, flags=re.ASCII).strip("_") or "layer"
        word = re.sub(r"_{2,}", "_", word)
        if word[0].isdigit():
            word = f"layer_{word}"
        if word.lower() in _RESERVED:
            word = f"{word}_layer"
        candidate, count = word, 2
        while candidate.lower() in taken:
            candidate, count = f"{word}_{count}", count + 1
        taken.add(candidate.lower())
        result[name] = candidate
    return result
