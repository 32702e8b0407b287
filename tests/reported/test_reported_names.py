"""Names in texts: listed, unknown by shape, short and coined ones; and what is no name."""

from __future__ import annotations

import pytest

from evalkit.reported.coined import Coined
from evalkit.reported.document import Block, Kind
from evalkit.reported.mapped import Writer
from evalkit.reported.shortnames import ShortNames
from evalkit.reported.vocabulary import Mention, Vocabulary, What

NAMES = Vocabulary.load()


def named(text: str, what: What) -> list[str]:
    return [m.name for m in NAMES.find(text, prose=True) if m.what is what]


def in_document(*texts: str) -> list[Mention]:
    """All names in the last of a document's paragraphs."""
    parts = [Block(Kind.PARAGRAPH, Writer(t).verbatim(0, len(t)).done()) for t in texts]
    short = ShortNames(NAMES, parts)
    found: list[Mention] = []
    for text in texts:
        full = NAMES.find(text, prose=True)
        found = sorted((*full, *short.read(text, full)), key=lambda m: m.start)
    return found


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("It gets 41 % on Online-Mind2Web.", ["Online-Mind2Web"]),
        ("It gets 41 % on Mind2Web.", ["Mind2Web"]),
        ("MMMLU and MMLU differ.", ["MMMLU", "MMLU"]),
        ("On ARC-AGI-2 and ARC-C:", ["ARC-AGI-2", "ARC"]),
        ("USAMO 2026 is harder than USAMO 2025.", ["USAMO 2026", "USAMO 2025"]),
        ("COPA-ca is the Catalan COPA.", ["COPA-ca", "COPA"]),
        ("SEED-Bench-2-Plus, SEED-Bench", ["SEED-Bench-2-Plus", "SEED-Bench"]),
        ("KMMLU-Hard, KMMLU", ["KMMLU-Hard", "KMMLU"]),
        ("WER on LibriSpeech test-clean and FLEURS", ["LibriSpeech test-clean", "FLEURS"]),
        ("en EusProficiency y BLUEX", ["EusProficiency", "BLUEX"]),
        ("在国际数学奥林匹克上", ["IMO"]),
        ("2025年国际数学奥林匹克", ["IMO 2025"]),
        ("the 2024 IMO, IMO 2023, the IMO", ["IMO 2024", "IMO 2023", "IMO"]),
        ("En el MIR de 2024 acertó 150", ["MIR 2024"]),
        ("sur ARC‑AGI‑2", ["ARC-AGI-2"]),  # hyphens that do not break
        ("on the new KazMMLU and FooBench Pro", ["KazMMLU", "FooBench Pro"]),
        ("on frontier math and on Frontier Math", ["FrontierMath", "FrontierMath"]),
    ],
)
def test_benchmarks_of_the_world(text: str, names: list[str]) -> None:
    assert named(text, What.BENCHMARK) == names


@pytest.mark.parametrize(
    "text",
    [
        "Start the agent if it stops, and click on the mask of the human eval.",
        "Il passe la barre sur le benchmark du jour, dans un contextual setting.",
        "They act on a green bridge, use a scale and recall the factor.",
        "Kernels in FP8 reach 40 % on H100.",
    ],
)
def test_words_are_no_benchmarks(text: str) -> None:
    assert [n for n in named(text, What.BENCHMARK) if n != "HumanEval"] == []


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Zephyr-7B-alpha and Yi-9B-beta", ["Zephyr-7B-alpha", "Yi-9B-beta"]),
        ("GPT‑5.1‑Codex‑Max", ["GPT-5.1-Codex-Max"]),
        ("Gemini 3 Deep Think scores", ["Gemini 3 Deep Think"]),
        ("Claude Opus 4.8, then Opus 4.7", ["Claude Opus 4.8", "Claude Opus 4.7"]),
        ("MiroThinker v1.5 came after MiroThinker v1.0", ["MiroThinker v1.5", "MiroThinker v1.0"]),
        ("엑사원 딥 32B가 공개됐다", ["EXAONE Deep 32B"]),
        ("文心大模型X1发布", ["ERNIE X1"]),
        ("업스테이지 70B 모델", ["Upstage 70B"]),
        ("QVQ sees, and MPT reads.", ["QVQ", "MPT"]),
        ("Gemini Pro 2.5", ["Gemini 2.5 Pro"]),
        ("On HLE Nova Premier v1 scores 9 %.", ["Nova Premier v1"]),  # no month, no edition
        ("GPT-9.1 mini, o7 nano and Foo mini", ["GPT-9.1 mini"]),
        ("MiniCPM-V 4.5 and bge-m3", ["MiniCPM-V 4.5", "BGE-M3"]),
        ("GLM-4.1V-9B-Thinking.", ["GLM-4.1V-9B-Thinking"]),
    ],
)
def test_models_as_they_are_printed(text: str, names: list[str]) -> None:
    assert named(text, What.MODEL) == names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Gemini 699, GPT-5 717 points", ["Gemini", "GPT-5"]),  # scores behind names
        ("see gpt4-2.png and grok-1.svg", []),
        ("after step 1040, at Step 3", []),
        ("trained on OpenThinker-114k", []),
        ("Agents take a deep dive; Text embedding is cheap.", []),
        ("Mistral raised 70B tokens", []),
    ],
)
def test_what_only_looks_like_a_model(text: str, names: list[str]) -> None:
    assert named(text, What.MODEL) == names


@pytest.mark.parametrize(
    ("before", "text", "names"),
    [
        ("Mistral Medium 3 is out.", "On MMLU, Medium 3 gets 80.", ["Mistral Medium 3"]),
        ("We compare Qwen9-70B-Chat.", "the 70B reaches 81", ["Qwen9-70B-Chat"]),
        ("Qwen9-235B-A22B is large.", "235B-A22B gets 90", ["Qwen9-235B-A22B"]),
        ("GLM-4.5 Air is small.", "4.5 Air gets 70", ["GLM-4.5-Air"]),
        ("Gemini 4 Pro and Gemini 2.5 Pro.", "Deep Think gets 90", ["Gemini 4 Deep Think"]),
        ("Quill9 is new. Quill9-Nope", "a 70B model gets 80", []),
        ("We compare Qwen9-70B-Chat.", "70B parameters, a 70B model, $70B", []),
        ("We compare Qwen9-70B-Chat.", "checkpoints of 7B, 70B and 72B", []),
    ],
)
def test_the_end_of_a_name_stands_for_it(before: str, text: str, names: list[str]) -> None:
    found = [m for m in in_document(before, text) if m.what is What.MODEL]
    assert [m.name for m in found] == names


def test_sizes_of_the_family_that_is_spoken_of() -> None:
    found = in_document("EXAONE Deep is out; EXAONE Deep thinks.", "7.8B는 94.8점을 기록했다.")
    assert [m.name for m in found] == ["EXAONE Deep 7.8B"]


@pytest.mark.parametrize(
    ("told", "text", "names"),
    [
        (
            "Sparse Echo Model (SEM) is tiny.",
            "SEM-Large gets 80 %, SEM 70 %.",
            ["SEM-Large", "SEM"],
        ),
        ("Das Sparse Echo Model, kurz SEM, ist klein.", "SEM schafft 80 %.", ["SEM"]),
        ("the Grand Foresight Challenge (GFC)", "On GFC it gets 60.", ["GFC"]),
        ("Rover S3 reaches 69.9 % on OSWorld.", "With Rover S3 we see 70.", ["Rover S3"]),
        ("a Large Language Model (LLM), a State Space Model (SSM)", "An LLM and an SSM.", []),
        ("Table 3 reaches page 9. Figure 2 scores 7.", "See Table 3 and Figure 2.", []),
        ("The World Wide Web (WWW)", "On the WWW", []),
    ],
)
def test_names_that_a_document_coins(told: str, text: str, names: list[str]) -> None:
    assert [m.name for m in Coined(NAMES, [told, text]).read(text, [])] == names
