r"""What LaTeX macros print in a table or a paragraph, and which print nothing.

Three kinds: macros of the packages that tables use (their arguments are declared to the parser
here), macros that the document itself defines (``\newcommand{\best}[1]{\textbf{#1}}``), and unknown
ones, which print their arguments' text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from evalkit.errors import DataError
from evalkit.reported.shapes import words

TABULAR = r"tabular[x*y]?|tabulary|longtable|tblr|NiceTabular[X*]?|array|xltabular|supertabular"
FLOATS = words(
    "table table* wraptable sidewaystable sidewaystable* threeparttable figure figure* wrapfigure"
    " subtable subfigure minipage floatrow"
)
HIDDEN_ENVIRONMENTS = words(
    "equation equation* align align* lstlisting verbatim tikzpicture comment filecontents algorithm"
)

HIDDEN = words(
    "hline toprule midrule bottomrule cline cmidrule rowcolor cellcolor columncolor color textcolor"
    " label ref cite citep citet citealp citeauthor citeyear autoref cref Cref eqref footnote url"
    " tablefootnote footnotetext tnote centering vspace hspace arraystretch setlength renewcommand"
    " newcommand providecommand def newcolumntype small footnotesize scriptsize tiny normalsize"
    " large resizebox includegraphics addlinespace specialrule arrayrulecolor definecolor rotatebox"
    " phantom hphantom vphantom usepackage documentclass footnotemark Xhline hhline cdashline"
    " hdashline noalign morecmidrules rowcolors rule hfill vfill noindent linewidth textwidth"
    " columnwidth diagbox SetCell SetRow SetCells strut smash allowbreak linebreak nolinebreak"
    " captionsetup scalebox fontsize selectfont bfseries itshape ttfamily sffamily rmfamily"
    " raggedright raggedleft arraybackslash xspace protect relax input include bibliography"
    " bibliographystyle maketitle heavyrulewidth lightrulewidth tabcolsep aboverulesep"
    " belowrulesep extrarowheight begingroup endgroup ding checkmark xmark cmark"
    " bf it em tt sf sc rm fbox boldmath unboldmath displaystyle textstyle scriptstyle"
)
KEEPS_LAST = words(
    "multirow multicolumn textcolor resizebox rotatebox colorbox fcolorbox scalebox raisebox"
    " adjustbox parbox makebox href multirowcell rotcell sethlcolor"
)
INLINE = words("makecell thead shortstack multirowcell parbox specialcell")
"""Macros in whose argument a line break is no end of a row."""

SYMBOLS = {
    "%": "%", "&": "&", "#": "#", "_": "_", "$": "$", "{": "{", "}": "}", "pm": "±", "dagger": "†",
    "ddagger": "‡", "ast": "*", "star": "*", "times": "×", "tau": "τ", "approx": "≈", "sim": "~",
    "geq": "≥", "ge": "≥", "leq": "≤", "le": "≤", "uparrow": "↑", "downarrow": "↓", "Delta": "Δ",
    "alpha": "α", "checkmark": "✓", "xmark": "✗", "cmark": "✓", "S": "§", "P": "¶", "ldots": "…",
    "quad": " ", "qquad": " ", ",": " ", ";": " ", " ": " ", "~": " ", "textasciitilde": "~",
    "textpm": "±", "cdot": "·", "infty": "∞", "rightarrow": "→", "to": "→", "textbar": "|",
    "textdagger": "†", "textuparrow": "↑", "textdownarrow": "↓", "textendash": "–", "ddag": "‡",
    "textemdash": "—", "dag": "†", "beta": "β", "textsubscript": "", "textless": "<", "gt": ">",
    "textgreater": ">", "lt": "<", "mu": "µ", "lambda": "λ", "textasteriskcentered": "*",
    "blacktriangle": "▲", "triangle": "△", "bigstar": "★", "textdegree": "°", "dots": "…",
}  # fmt: skip
SMALL = words("tiny scriptsize footnotesize ssmall")
"""Sizes that print an uncertainty or a change beside a score."""

RISES = re.compile(r"up|inc|gain|imp|pos|plus|better", re.IGNORECASE)
FALLS = re.compile(r"dn|down|dec|drop|neg|minus|worse|loss", re.IGNORECASE)
OURS = re.compile(r"our|method|model|sys(?:tem)?|name|approach|framework", re.IGNORECASE)

_DEFINED = re.compile(
    r"\\(?:(?:re|provide)?newcommand|renewcommand|providecommand|DeclareRobustCommand)\*?\s*"
    r"\{?\s*\\(?P<name>[A-Za-z]+)\s*\}?\s*(?:\[(?P<count>\d)\]\s*(?:\[[^\]]*\]\s*)?)?(?=\{)"
    r"|\\def\s*\\(?P<plain>[A-Za-z]+)\s*(?P<given>(?:#\d)*)\s*(?=\{)"
)
_DROPPED = re.compile(r"\\iffalse\b.*?\\fi\b|\\begin\{comment\}.*?\\end\{comment\}", re.DOTALL)
# Rules with a bracketed trim are no macros of the usual form: blanked before parsing.
_RULES = re.compile(r"\\(?:cmidrule|cline)\s*(?:\([^)]*\))?\s*(?:\[[^\]]*\])?\s*\{[^{}]*\}")
_LONGEST = 400  # characters of a macro's body that may be a name or a format


@dataclass(frozen=True, slots=True)
class Defined:
    """A macro of the document's own: how many arguments it takes and what it stands for."""

    arguments: int
    body: str


def definitions(text: str) -> dict[str, Defined]:
    r"""The macros that a document defines with ``\newcommand`` or ``\def``."""
    found: dict[str, Defined] = {}
    for match in _DEFINED.finditer(text):
        body = _braced(text, match.end())
        if body is None or len(body) > _LONGEST:
            continue
        if match["name"]:
            found[match["name"]] = Defined(int(match["count"] or 0), body)
        else:
            found[match["plain"]] = Defined(match["given"].count("#"), body)
    return found


def _braced(text: str, start: int) -> str | None:
    """What stands between the brace at ``start`` and the one that closes it."""
    depth = 0
    for i in range(start, min(len(text), start + 2 * _LONGEST)):
        if text[i] == "{" and text[i - 1] != "\\":
            depth += 1
        elif text[i] == "}" and text[i - 1] != "\\":
            depth -= 1
            if depth == 0:
                return text[start + 1 : i]
    return None


def parse(text: str, where: str, defined: dict[str, Defined]) -> Iterable[Any]:
    """The parser's nodes of a text; what is commented out in one way or another is blank.

    Raises:
        DataError: ``pylatexenc`` is not installed.
    """
    try:
        from pylatexenc import macrospec
        from pylatexenc.latexwalker import LatexWalker, get_default_latex_context_db
    except ImportError:
        raise DataError(
            f"{where}: reading LaTeX tables needs pylatexenc; install it with: "
            "pip install 'evalkit[documents]'"
        ) from None

    own = {
        name: "{" * d.arguments for name, d in defined.items() if d.arguments and name not in _FORMS
    }
    macros = [macrospec.MacroSpec(name, form) for name, form in {**_FORMS, **own}.items()]
    environments = [macrospec.EnvironmentSpec(n, form) for n, form in _ENVIRONMENT_FORMS.items()]
    known = get_default_latex_context_db()
    known.add_context_category("tables", prepend=True, macros=macros, environments=environments)
    for dropped in (_DROPPED, _RULES):
        text = dropped.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), text)
    walker = LatexWalker(_undefined(text), latex_context=known, tolerant_parsing=True)
    nodes: Iterable[Any] = walker.get_latex_nodes()[0]
    return nodes


def _undefined(text: str) -> str:
    """The text with its definitions of macros blank: their bodies need not be well formed."""
    kept, done = [], 0
    for match in _DEFINED.finditer(text):
        body = _braced(text, match.end())
        if body is not None and match.start() >= done:
            end = match.end() + len(body) + 2
            kept += [text[done : match.start()], re.sub(r"[^\n]", " ", text[match.start() : end])]
            done = end
    return "".join(kept) + text[done:]


_FORMS = {
    "multirow": "[{[{[{", "multicolumn": "{{{", "rowcolor": "[{", "cellcolor": "[{",
    "textcolor": "[{{", "resizebox": "{{{", "rotatebox": "[{{", "makecell": "[{", "thead": "[{",
    "shortstack": "[{", "vspace": "*{", "setlength": "{{", "renewcommand": "{[{",
    "addlinespace": "[", "\\": "*[", "colorbox": "[{{", "fcolorbox": "[{{{", "scalebox": "{[{",
    "raisebox": "{[[{", "adjustbox": "{{", "parbox": "[[[{{", "makebox": "[[{", "href": "{{",
    "Xhline": "{", "hhline": "{", "cdashline": "{", "noalign": "{", "specialrule": "{{{",
    "arrayrulecolor": "[{", "rowcolors": "[{{{", "diagbox": "[{{", "SetCell": "[{",
    "SetRow": "{", "footnote": "[{", "tablefootnote": "{", "tnote": "{", "citealp": "[[{",
    "cref": "{", "Cref": "{", "autoref": "{", "rule": "[{{", "definecolor": "{{{",
    "captionsetup": "[{", "fontsize": "{{", "newcolumntype": "{[{", "multirowcell": "{[[{",
    "caption": "*[{", "color": "[{", "ding": "{", "specialcell": "[{", "textsuperscript": "{",
    "textsubscript": "{", "columncolor": "[{", "hspace": "*{", "underline": "{", "uline": "{",
    "captionof": "{{", "subcaption": "{", "cmark": "", "xmark": "", "checkmark": "",
}  # fmt: skip
_ENVIRONMENT_FORMS = {
    "tabular": "[{", "tabular*": "{[{", "tabularx": "{[{", "tabulary": "{[{", "tabulary*": "{[{",
    "longtable": "[{", "xltabular": "[{{", "tblr": "[{", "NiceTabular": "[{[", "table": "[",
    "NiceTabularX": "{[{[", "NiceTabular*": "{[{[", "table*": "[", "wraptable": "[{[{",
    "array": "[{", "minipage": "[[[{", "subtable": "[{", "subfigure": "[{", "figure": "[",
    "figure*": "[", "wrapfigure": "[{[{", "adjustbox": "{", "sidewaystable": "[",
    "sidewaystable*": "[", "supertabular": "{", "threeparttable": "[", "tablenotes": "[",
    "scriptsize": "", "small": "",
}  # fmt: skip
_MARKUP = re.compile(r"\\(?P<name>[A-Za-z]+|.)\s*|[{}$~]")


def printed(body: str) -> str:
    """What a macro's body prints, roughly: symbols are spelled out, markup is gone."""
    body = re.sub(r"\\(?:text)?color\s*(?:\[\w+\])?\{[^{}]*\}|\\cellcolor\{[^{}]*\}", "", body)
    body = re.sub(r"\\(?:fontsize\{[^{}]*\}\{[^{}]*\}|hspace\*?\{[^{}]*\})", "", body)

    def plain(match: re.Match[str]) -> str:
        if match["name"] is None:
            return " " if match[0] == "~" else ""
        return SYMBOLS.get(match["name"], "")

    return _MARKUP.sub(plain, body).replace("^", "").replace("_", " ")
