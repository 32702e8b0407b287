"""What the labels of a table stand for: which column names models, and what the heads are.

The geometry (header rows, label columns, score columns) is found in ``layout.py``; here the names
vote. A column is known by its cells first and by its header word second, since headers lie: a
column of models may be headed "Benchmark".
"""

from __future__ import annotations

from evalkit.reported.document import Cell
from evalkit.reported.labels import clean
from evalkit.reported.roles import (
    Role,
    header_role,
    is_backbone,
    is_category,
    is_data,
    is_metric,
    is_quality,
    is_size,
    leaning,
)
from evalkit.reported.vocabulary import Vocabulary


def label_roles(
    rows: tuple[tuple[Cell, ...], ...],
    body: int,
    skipped: set[int],
    columns: list[int],
    heads: tuple[tuple[str, ...], ...],
    vocabulary: Vocabulary,
) -> dict[int, Role]:
    """The role of each label column, by its cells and by its header word."""
    votes: dict[int, tuple[float, float, int]] = {}
    for column in columns:
        texts = {rows[i][column].text.text for i in range(body, len(rows)) if i not in skipped}
        texts = {t for t in texts if clean(t)}
        leans = [leaning(line, vocabulary) for t in texts for line in t.split("\n")[:6]]
        votes[column] = (sum(v[0] for v in leans), sum(v[1] for v in leans), len(texts))
    roles: dict[int, Role] = {}
    backbones = _backbones(columns, heads, votes)
    naming = [c for c in columns if c not in backbones]
    best_model = max(naming, key=lambda c: votes[c][0], default=None)
    best_bench = max(columns, key=lambda c: votes[c][1], default=None)
    for column in columns:
        model, bench, count = votes[column]
        # Different words above one another in the corner name the header's rows, not the column.
        head = heads[column][-1] if len(set(heads[column])) == 1 else ""
        word = header_role(head)
        cells = [rows[i][column].text.text for i in range(body, len(rows)) if i not in skipped]
        metrics = sum(is_metric(t) for t in cells if clean(t))
        if column in backbones:
            roles[column] = Role.SETTING
        elif is_size(head, vocabulary) and max(model, bench) <= count:
            roles[column] = Role.SIZE
        elif metrics * 2 > max(1, sum(bool(clean(t)) for t in cells)):
            roles[column] = Role.METRIC
        elif word is Role.MODEL and max(model, bench) < 2 * count:
            roles[column] = word  # its cells are known by their shape at most
        elif model > bench and column == best_model and model >= count / 2:
            roles[column] = Role.MODEL
        elif bench > model and column == best_bench and bench >= count / 2:
            roles[column] = Role.BENCHMARK
        elif word is not None:
            roles[column] = word
        else:
            roles[column] = Role.OTHER
    _settle(roles, votes)
    return roles


def _backbones(
    columns: list[int],
    heads: tuple[tuple[str, ...], ...],
    votes: dict[int, tuple[float, float, int]],
) -> set[int]:
    """Columns of what models are built on or trained on, where another column names them."""
    data = {c for c in columns if any(is_data(part) for part in heads[c])}
    found = {c for c in columns if any(is_backbone(part) for part in heads[c])} | data
    named = [
        c
        for c in columns
        if c not in found
        and (votes[c][0] > 0 or any(header_role(part) is Role.MODEL for part in heads[c]))
    ]
    return found if named else data


def _settle(roles: dict[int, Role], votes: dict[int, tuple[float, float, int]]) -> None:
    """One column of models and one of benchmarks; the column nearest to the scores names rows."""
    for role, which in ((Role.MODEL, 0), (Role.BENCHMARK, 1)):
        same = [c for c, r in roles.items() if r is role]
        keep = max(same, key=lambda c: votes[c][which], default=None)
        for column in same:
            if column != keep:
                roles[column] = Role.OTHER
    if roles and not any(r in (Role.MODEL, Role.BENCHMARK) for r in roles.values()):
        others = [c for c, r in roles.items() if r is Role.OTHER]
        if others:
            # Categories stand left of names, and names differ from row to row.
            naming = max(others, key=lambda c: (votes[c][2], c))
            roles[naming] = Role.CATEGORY if votes[naming][2] == 0 else Role.OTHER


def orient(
    rows: tuple[tuple[Cell, ...], ...],
    body: int,
    skipped: set[int],
    values: tuple[int, ...],
    heads: tuple[tuple[str, ...], ...],
    roles: dict[int, Role],
    groups: tuple[str | None, ...],
    vocabulary: Vocabulary,
) -> tuple[Role, Role, int]:
    """What heads and row labels stand for, and how many known benchmarks speak for it."""
    head_votes = [leaning(" ".join(heads[c]), vocabulary) for c in values]
    for i, column in enumerate(values):
        for part in heads[column]:
            lean = leaning(part, vocabulary)
            head_votes[i] = (max(head_votes[i][0], lean[0]), max(head_votes[i][1], lean[1]))
    head_model, head_bench = (sum(v[k] for v in head_votes) / len(values) for k in (0, 1))
    naming = [c for c, r in roles.items() if r in (Role.MODEL, Role.BENCHMARK, Role.OTHER)]
    texts = {
        line
        for c in naming
        for i in range(body, len(rows))
        if i not in skipped
        for line in rows[i][c].text.text.split("\n")
        if clean(line)
    }
    leans = [leaning(t, vocabulary) for t in texts]
    count = max(1, len(leans) / max(1, len(naming)))
    row_model, row_bench = (sum(v[k] for v in leans) / count for k in (0, 1))
    known = sum(v[1] >= 3 for v in (*head_votes, *leans))
    known += sum(leaning(g, vocabulary)[1] >= 3 for g in set(groups) if g)
    kinds = set(roles.values())
    # Heads that name neither models nor benchmarks are parts or metrics of those in the rows.
    named = sum(max(v) >= 2 for v in head_votes)
    plain = max(head_model, head_bench) < 0.5 or named * 2 < len(head_votes)
    if Role.MODEL in kinds and Role.BENCHMARK in kinds and plain:
        return Role.METRIC, Role.OTHER, known
    down = head_model + row_bench
    across = head_bench + row_model
    if down == across == 0:
        measured = [bool(heads[c]) and is_quality(heads[c][-1]) for c in values]
        if sum(measured) >= 2 and sum(measured) * 2 >= len(values):
            return Role.METRIC, Role.SETTING, known
        words = [header_role(heads[c][-1]) for c in roles if heads[c]]
        if Role.BENCHMARK in words:
            return Role.MODEL, Role.BENCHMARK, known
        return (
            (Role.BENCHMARK, Role.MODEL, known)
            if Role.MODEL in words
            else (Role.OTHER, Role.OTHER, known)
        )
    if down >= across:
        columns = Role.MODEL if head_model > 0 or not _only_metrics(values, heads) else Role.METRIC
        return columns, Role.BENCHMARK, known
    columns = Role.BENCHMARK if head_bench > 0 or not _only_metrics(values, heads) else Role.METRIC
    return columns, Role.MODEL, known


def _only_metrics(values: tuple[int, ...], heads: tuple[tuple[str, ...], ...]) -> bool:
    if all(not heads[c] or is_metric(heads[c][-1]) for c in values):
        return True
    fields = sum(bool(heads[c]) and is_category(heads[c][-1]) for c in values)
    return fields * 2 >= len(values) and fields >= 2
