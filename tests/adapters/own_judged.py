"""Own-written prompts in the schema of the judged suites, and a model that writes and judges."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

CRITERIA = ["Clear", "Vivid", "Wordy"]
PROMPTS = {
    "1": {"title": "Key", "category": "own", "writing_prompt": "Write about a lost key. <SEED>",
          "seed_modifiers": ["It is brass.", "It is wet."]},
    "2": {"title": "Hill", "category": "own", "writing_prompt": "Write about a hill. <SEED>",
          "seed_modifiers": ["At noon.", "At night."]},
}  # fmt: skip
JUDGE = (
    "Rate this.\n[PIECE]\n{test_model_response}\n[PIECE END]\nAsked: {writing_prompt}\n"
    "{creative_writing_criteria}\nLess is better: {lower_is_better_criteria}\n"
)
PAIR = "Which?\n[A]\n{model_a_analysis}\n[/A]\n[B]\n{model_b_analysis}\n[/B]\n{writing_prompt}"
WRITING = """
name = "own-writing"
title = "Own writing"
style = "creative-writing"
benchmark = "Own writing"
metric = "rubric avg@k"
unit = "points"
best = 100
graders = ["criteria", "official"]
[options]
judge = {{ temperature = 0.0, max_tokens = 300 }}
[data]
source = "github:own/writing@0000000000000000000000000000000000000000:data"
[data.files]
"creative_writing_prompts_v3.json" = "{prompts}"
"slop_list.json" = "{empty}"
"slop_list_bigrams.json" = "{empty}"
"slop_list_trigrams.json" = "{empty}"
[protocols.own]
summary = "own"
k = 2
params = {{ temperature = 0.7, max_tokens = 400 }}
[protocols.own.texts]
judge = {{ file = "judge.txt" }}
criteria = {{ file = "criteria.txt" }}
negative = {{ file = "negative.txt" }}
pairwise = {{ file = "pairwise.txt" }}
"""
SCENARIOS = """\
######## 1 | Own | Neighbour
####### Prompt1
Your neighbour plays drums at night. Talk to them.
####### Prompt2
They say it is their house.

######## 401 | Own | Analysis
####### Prompt1
A: You are late. B: I am never on time. Discuss.
"""
EQ_TEXTS = {
    "master_roleplay": "{scenario_prompt}\nAnswer with three headed sections.",
    "master_drafting": "{scenario_prompt}\nDraft.",
    "master_analysis": "{scenario_prompt}\nAnalyse.",
    "debrief": "Now look back.",
    "rubric": "[START]\n{transcript}\nDebrief: {debrief}\n[END]\nRubric.\n{output_format}",
    "rubric_analysis": "[START]\n{transcript}\n[END]\nRubric.\n{output_format}",
    "criteria": "demonstrated_empathy\npragmatic_ei\ndepth_of_insight\nsocial_dexterity\n"
                "emotional_reasoning\nmessage_tailoring\nwarmth\n",
    "criteria_analysis": "depth_of_insight\ncorrectness\n",
    "pairwise": "Which?\n[A]\n{conversation_history_A}\n{debrief_A}\n[/A]\n[B]\n"
                "{conversation_history_B}\n{debrief_B}\n[/B]\n{scenario_notes}",
    "pairwise_analysis": "Which?\n{transcript_being_analysed}\n[A]\n{response_A}\n[/A]\n[B]\n"
                         "{response_B}\n[/B]\n{scenario_notes}",
}  # fmt: skip
EQ = """
name = "own-eq"
title = "Own EQ"
style = "eq-bench"
benchmark = "Own EQ"
metric = "rubric avg@k"
unit = "points"
graders = ["strict", "official"]
[options]
judge = {{ temperature = 0.0 }}
debrief = {{ temperature = 0.5 }}
[data]
source = "github:own/eq@0000000000000000000000000000000000000000:data"
[data.files]
"scenario_prompts.txt" = "{digest}"
"scenario_notes.txt" = "{digest}"
[protocols.own]
summary = "own"
params = {{ temperature = 0.7, min_p = 0.1 }}
[protocols.own.texts]
"""


ANSWERS = """
name = "own-answers"
title = "Own answers"
style = "judged-answer"
benchmark = "Own answers"
metric = "avg@k"
graders = ["browsecomp", "hle"]
[options]
judge_params = {{ temperature = 0.0, max_tokens = 100 }}
[data]
file = "rows.jsonl"
[protocols.own]
summary = "own"
params = {{ temperature = 0.7 }}
[protocols.own.texts]
judge = {{ file = "judge.txt" }}
"""


def write_answers(root: Path) -> tuple[Path, Path]:
    """A suite of two questions that a judge decides, and its data."""
    suite = root / "own-answers"
    suite.mkdir()
    (suite / "suite.toml").write_text(ANSWERS.format())
    (suite / "judge.txt").write_text(
        "Decide.\n[RESPONSE]\n{response}\n[RESPONSE END]\n{question}\nRight: {{{correct_answer}}}"
    )
    rows = [{"id": str(n), "question": f"Question {n}?", "target": f"word {n}"} for n in (1, 2)]
    (suite / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return suite, suite / "rows.jsonl"


def write_writing(root: Path) -> tuple[Path, Path]:
    """The suite's folder, and that of its data."""
    suite, data = root / "own-writing", root / "writing-data"
    suite.mkdir()
    data.mkdir()
    digest = "0" * 64
    (suite / "suite.toml").write_text(WRITING.format(prompts=digest, empty=digest))
    (suite / "judge.txt").write_text(JUDGE)
    (suite / "pairwise.txt").write_text(PAIR)
    (suite / "criteria.txt").write_text("\n".join(CRITERIA))
    (suite / "negative.txt").write_text("Wordy\n")
    (data / "creative_writing_prompts_v3.json").write_text(json.dumps(PROMPTS))
    (data / "slop_list.json").write_text('[["tapestry"]]')
    (data / "slop_list_bigrams.json").write_text('[["deep breath"]]')
    (data / "slop_list_trigrams.json").write_text("[]")
    return suite, data


def write_eq(root: Path) -> tuple[Path, Path]:
    """The suite's folder, and that of its data."""
    suite, data = root / "own-eq", root / "eq-data"
    suite.mkdir()
    data.mkdir()
    text = EQ.format(digest="0" * 64)
    for name, content in EQ_TEXTS.items():
        (suite / f"{name}.txt").write_text(content)
        text += f'{name} = {{ file = "{name}.txt" }}\n'
    (suite / "suite.toml").write_text(text)
    (data / "scenario_prompts.txt").write_text(SCENARIOS)
    (data / "scenario_notes.txt").write_text("# 1\nThe drummer is lonely.\n")
    return suite, data


PIECE = "The tapestry of the hill took a deep breath. " * 14


def write_and_judge(body: dict[str, Any]) -> str:
    """A piece of 630 characters; scores 15, 9 and 4; the first of a pair is always better."""
    question = body["messages"][-1]["content"]
    if question.startswith("Rate this."):
        return "[Analysis]\nFine.\n[Scores]\n- **Clear**: 15\nVivid: [9]\nWordy: 4/20"
    if question.startswith("Which?"):
        return '{"chain_of_thought_reasoning": "x", "writing_quality": "A0493 ++"}'
    if "Rubric." in question:
        names = re.findall(r'"(\w+)": 0-20', question)
        return json.dumps(dict.fromkeys(names, 12))
    return PIECE
