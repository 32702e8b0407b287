"""Reads the labels of rows and columns: a benchmark with its variant, metric and setting; a model.

A label such as ``LiveCodeBench v6 (Pass@1, 0-shot)`` names a benchmark, an edition, a metric and a
setting at once. Each word is classified; what is no metric, setting or edition belongs to the
name. A name that is not in the vocabulary stays as printed::

    >>> label = read_benchmark("GPQA-Diamond (Pass@1)", Vocabulary.load())
    >>> label.name, label.variant, label.metric
    ('GPQA', 'Diamond', 'Pass@1')
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from evalkit.reported.cells import MARKS
from evalkit.reported.vocabulary import EDITION, Vocabulary, What, norm

METRIC = re.compile(
    r"(?:acc(?:uracy)?\.?|em|exact[- ]match|(?:(?:macro|micro|weighted)[- ])?f1(?:[- @]?(?:score"
    r"|мера|wert|スコア|值|値|점수|\d+))?|(?:puntuació|puntuación|punteggio|score|pontuação) f1"
    r"|pass[@^]\s?\d+(?:[- ]?cot)?"
    r"|(?:avg|mean|cons|maj|best|bo|acc|average|majority)[@ ]\d+|pass rate|prompt[- ](?:level[- ])?"
    r"(?:strict|loose)"
    r"|inst(?:ruction)?[- ](?:level[- ])?(?:strict|loose)|(?:lc[- ])?win[- ]?rates?"
    r"|elo|rating|elo rating|percentile|resolved|% resolved|resolve[d]? rate|resolution rate"
    r"|results?|performance|结果|成绩|性能|結果|결과|성능|ergebnis(?:se)?|résultats?|resultados?|risultat[io]"
    r"|результаты?"
    r"|correct|score|scores|avg\.? score|average score|values?|数值|値|값|значение|valeur|valor"
    r"|valore|wert"
    r"|raw score|score \d+-\d+|bpb|bits[- ]per[- ]byte|ppl|perplexity|wer|cer"
    r"|(?:sacre)?bleu(?:[-@]?\d)?"
    r"|rouge(?:[- ]?(?:l(?:sum)?|[12]))?|meteor|cider(?:-d)?|spice|bert-?score|m?iou"
    r"|chrf\+*|comet|recall(?:@\d+)?|precision(?:@\d+)?|map(?:@\d+)?|mrr(?:@\d+)?|r@\d+|p@\d+"
    r"|ndcg(?:@\d+)?|auc|auroc|(?:roc|pr)[- ]auc|anls|mcc|spearman"
    r"|precisi(?:ó|ón|one)|präzision|precisão|sensibilit(?:at|à)|sensibilidad|sensitivity|specificity"
    r"|exhaustividad|rappel|richiamo|revocação|trefferquote|полнота|適合率|再現率|精确率|精确度|召回率|정밀도|재현율"
    r"|pearson|hit@\d+|success(?: rate)?|sr|solve rate|top-?\d|acc_norm|acc norm|准确率|得分|分数"
    r"|正解率|スコア|정확도|점수|точность|балл|оценка|genauigkeit|précision|punteggio|puntuación"
    r"|single (?:attempt|patch)[^()]*(?:\([^()]*\))?|multiple attempts[^()]*(?:\([^()]*\))?)",
    re.IGNORECASE,
)
_SHOTS = re.compile(
    r"\b(?:(?:\d+|zero)\s?/\s?)?(?:\d+|zero|few|one|five)[- ]?shots?(?:[ ,/-]+(?:cot|no cot))?\b"
    r"|\b(?:0|\d+)-?샷|\d+-?ショット",
    re.IGNORECASE,
)
_SETTING = re.compile(
    r"tool|python|think|reason|w/o|without|with\b|no[- ]|cot|agent|openhands|agentless|scaffold"
    r"|framework|terminus|search|effort|budget|tokens?|temperature|greedy|sampl|evaluated by|judge"
    r"|prompt|gpt-4|gpt4|context|mode|single|multi|parallel|average of|avg of|runs?\b|sans|avec|mit"
    r"|ohne|con\b|sin\b|senza|usando|inhouse|in-house|internal|self|majority|vot|greedy|maj",
    re.IGNORECASE,
)
_BRACKETS = re.compile(r"\s*[(（\[]([^()（）\[\]]*(?:\([^()]*\)[^()]*)*)[)）\]]")
_NOISE = re.compile(
    rf"^[\s|•·▪►»>–—:_]+|[\s|:_]+$|[{re.escape(MARKS)}]+$|^[*†‡]+|\^\(?[a-z0-9*†‡]\)?$"
    r"|[\U0001F300-\U0001FAFF\u2600-\u27bf]+|[↑↓⬆⬇]+|\*\*|`"
)
_FOOTNOTE = re.compile(rf"(?:[{re.escape(MARKS)}]+|\^\(?[a-z0-9*†‡]\)?)\s*$")
_SIZE_NOTE = re.compile(
    r"(?:(?:moe|dense)[- ]?)?[\d.x]+\s?[bBtT](?:[- ]?a[\d.]+[bB])?(?:[- ]?(?:moe|dense|params?"
    r"|parameters))?"
    r"|moe|dense|closed?[- ]source|open[- ](?:source|weights?)|api|vendor|ours",
    re.IGNORECASE,
)
_MODEL_SETTING = re.compile(
    r"think|reason|w/|with|tool|python|\bhigh\b|\blow\b|\bmedium\b|effort|shot|close|open|ours"
    r"|\bfrom\b|\bvia\b|\bby\b|paper|official|来自|引用|引自|官方|公式|取自|자료|출처|aus\b|selon|según|из\b"
    r"|budget|max\b|思考|推理|no\b|non|mode|greedy|cot|full|report|our|nostr|本|自社|자체|repro",
    re.IGNORECASE,
)
# "Grok 5 Score" heads a column of that model's scores.
_SCORE_BEHIND = re.compile(
    r"(?<=\S)\s+(?:scores?|results?|accuracy|得分|分数|成绩|スコア|점수|punktzahl|ergebnis|résultats?"
    r"|puntuación|punteggio|балл\w*|результат\w*)$",
    re.IGNORECASE,
)
# Who serves or publishes it: "meta-llama/", "openrouter/meta-llama/", "accounts/a/models/".
_PROVIDER = re.compile(
    r"^(?:https?://\S*?/)?(?:[a-z0-9_.-]{2,30}/){2,4}(?=[\w.-]*[a-z])|^[\w.-]{2,30}/(?=\w)"
)
_SENTENCE = re.compile(r" [A-Z][a-z]{3,} [a-z]{3,}(?: [a-z]{2,})*$")  # " Competition mathematics"
_THOUGHT = re.compile(r"(?<=\w)\s+(?:\+ ?|w/ ?|with )?CoT\b\*?")  # how it was asked, not what
_DESCRIBED = 3  # words behind a name; more than that say what it tests
DIAMOND = frozenset(("gpqad", "gpqadiam", "gpqadiamond"))


@dataclass(frozen=True, slots=True)
class Label:
    """A benchmark or a model as a label names it.

    Attributes:
        name: Canonical, or as printed without metric and setting.
        raw: As printed.
        known: In the vocabulary.
        variant: Part or edition.
        metric: As printed.
        setting: What else the label states.
        marks: Footnote marks on the label.
    """

    name: str
    raw: str
    known: bool
    variant: str | None = None
    metric: str | None = None
    setting: tuple[str, ...] = ()
    marks: str = ""


def clean(text: str) -> str:
    """A label on one line without marks, bullets and emphasis."""
    text = re.sub(r"(?<=[^\W\d_])[*†‡]+(?=[^\W\d_])", " ", text)
    text = re.sub(r"\s*\[\^?\d{1,2}\]", "", text)  # references to footnotes
    flat = " ".join(text.replace("\n", " ").replace("\u00a0", " ").split())
    for _ in range(3):
        flat = _NOISE.sub("", flat).strip()
    return flat


def marks_of(text: str) -> str:
    """The footnote marks behind a label."""
    found = _FOOTNOTE.search(text.strip())
    return found[0].strip() if found else ""


def read_benchmark(text: str, vocabulary: Vocabulary) -> Label:
    """What a label says of a benchmark."""
    first, _, rest = text.strip().partition("\n")
    if vocabulary.benchmark(clean(first)) and _is_description(rest, vocabulary):
        text = first
    raw = clean(text)
    marks = marks_of(text)
    if vocabulary.benchmark(raw) and not _BRACKETS.search(raw):
        return _known(raw, raw, vocabulary, None, [], [], marks)
    metric: str | None = None
    settings: list[str] = []
    variants: list[str] = []
    aliases: list[str] = []
    for inside in _BRACKETS.findall(raw):
        for item in re.split(r"[,;，；|]|\s-\s(?=[a-z])", inside):
            metric = _sort(item.strip(), metric, settings, variants, aliases, vocabulary)
    core = _BRACKETS.sub(" ", raw)
    shots = _SHOTS.search(core)
    if shots:
        settings.append(shots[0])
        core = core.replace(shots[0], " ")
    thought = _THOUGHT.search(core)
    if thought:
        settings.append("CoT")
        core = core[: thought.start()] + core[thought.end() :]
    core = " ".join(core.split()).strip(" ,-–:")
    if not vocabulary.benchmark(core):
        core, metric = _without_metric(core, metric)
    if not core and aliases:
        core = aliases[0]
    return _known(core or raw, raw, vocabulary, metric, settings, variants, marks, aliases)


def _is_description(text: str, vocabulary: Vocabulary) -> bool:
    """Words below a name that say what it tests: neither metric, edition nor setting."""
    words = clean(text)
    if len(words.split()) < 2 or _BRACKETS.search(words) or _SETTING.search(words):
        return False
    return METRIC.fullmatch(words) is None and not any(
        vocabulary.is_edition(word) for word in words.split()
    )


def _sort(
    item: str,
    metric: str | None,
    settings: list[str],
    variants: list[str],
    aliases: list[str],
    vocabulary: Vocabulary,
) -> str | None:
    """Put one item of a bracket where it belongs; the metric so far comes back."""
    if not item:
        return metric
    shots = _SHOTS.search(item)
    if shots:
        settings.append(shots[0])
        item = item.replace(shots[0], "").strip()
    if METRIC.fullmatch(item):
        return metric or item
    trailing = re.search(METRIC.pattern + r"$", item, re.IGNORECASE)
    if trailing and item[: trailing.start()].strip() == "":
        return metric or item
    if not item:
        return metric
    if vocabulary.benchmark(item) and norm(item) not in vocabulary.variant_words:
        aliases.append(item)
    elif norm(item) in vocabulary.variant_words or EDITION.fullmatch(item):
        variants.append(item)
    elif _SETTING.search(item):
        settings.append(item)
    else:
        variants.append(item)
    return metric


def _without_metric(core: str, metric: str | None) -> tuple[str, str | None]:
    """Take a metric off the end of a name: "AIME 2024 pass@1"."""
    one = METRIC.pattern
    found = re.search(rf"(?:^|[\s:,/|-]+?)({one}(?:\s?/\s?{one})*)$", core, re.IGNORECASE)
    if found and found.start() > 0 and len(core[: found.start()]) > 1:
        return core[: found.start()].strip(" ,-–:"), metric or found[1]
    return core, metric


def _known(
    core: str,
    raw: str,
    vocabulary: Vocabulary,
    metric: str | None,
    settings: list[str],
    variants: list[str],
    marks: str,
    aliases: list[str] | None = None,
) -> Label:
    name = vocabulary.benchmark(core)
    if name is None:
        name, more = _prefix(core, vocabulary)
        variants = more + variants
    if name is None and aliases:
        name = vocabulary.benchmark(aliases[0])
    known = name is not None
    name = name or core
    own = norm(name)
    words = [w for w in re.split(r"[\s\-_‑/]+", core) if w]
    if known:
        inner = [
            w
            for w in words
            if norm(w) in vocabulary.variant_words
            and norm(w) not in own
            and vocabulary.benchmark(" ".join(v for v in words if v != w)) in (name, None)
        ]
        inner += [w for w in words if EDITION.fullmatch(w) and norm(w) not in own]
        if norm(core) in DIAMOND:
            inner = ["Diamond"]
        variants = list(dict.fromkeys(inner + variants))
    return Label(name, raw, known, "; ".join(variants) or None, metric, tuple(settings), marks)


def _prefix(core: str, vocabulary: Vocabulary) -> tuple[str | None, list[str]]:
    """A known name followed by nothing but words of editions and parts."""
    found = [m for m in vocabulary.find(core, prose=False) if m.what is What.BENCHMARK and m.known]
    if not found or found[0].start > 0:
        return None, []
    rest = core[found[0].end :]
    words = [w for w in re.split(r"[\s\-_‑/:–]+", rest) if w]
    # What follows a name in small letters says how it was used; a capital begins another name.
    small = rest.startswith(" ") and rest == rest.lower() and found[0].raw != found[0].raw.lower()
    if rest[:1].isspace() and (len(words) > _DESCRIBED or _SENTENCE.match(rest)):
        return found[0].name, []
    if not small and not all(vocabulary.is_edition(word) for word in words):
        return None, []
    return found[0].name, [rest.strip(" -–")] if small else words


def read_model(text: str, vocabulary: Vocabulary) -> Label:
    """What a label says of a model."""
    raw = clean(text)
    marks = marks_of(text)
    raw = _PROVIDER.sub("", raw)
    raw = _SCORE_BEHIND.sub("", raw)
    whole = vocabulary.model(raw)
    if whole:
        return Label(whole, raw, True, marks=marks)
    settings: list[str] = []
    kept = raw
    for bracket in _BRACKETS.finditer(raw):
        if _MODEL_SETTING.search(bracket[1]):
            settings.append(bracket[1].strip())
            kept = kept.replace(bracket[0], "")
    kept = " ".join(kept.split())
    # A size in brackets is no part of a name; a date or a training stage is.
    sizes = all(_SIZE_NOTE.fullmatch(b.strip()) for b in _BRACKETS.findall(kept))
    bare = " ".join(_BRACKETS.sub(" ", kept).split()) if sizes else ""
    name = vocabulary.model(kept) or (vocabulary.model(bare) if bare else None)
    if name is None and "," in kept and vocabulary.model(kept.split(",")[0]):
        name, settings = vocabulary.model(kept.split(",")[0]), [*settings, kept.split(",", 1)[1]]
    return Label(
        name or bare or kept or raw,
        kept or raw,
        name is not None,
        None,
        None,
        tuple(settings),
        marks,
    )
