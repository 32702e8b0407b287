"""What the rows and columns of a table stand for: models, benchmarks, metrics, settings, sizes.

Documents lay scores out in every way: models in columns, models in rows, both in rows, one of them
only in a heading. The vocabulary votes first; the shape of unknown names and the words in the
header ("Benchmark", "模型") decide where it is silent.
"""

from __future__ import annotations

import re
from enum import StrEnum

from evalkit.reported.labels import METRIC, clean, read_benchmark
from evalkit.reported.vocabulary import Vocabulary


class Role(StrEnum):
    """What a line of labels stands for."""

    MODEL = "model"
    BENCHMARK = "benchmark"
    METRIC = "metric"
    SETTING = "setting"
    SIZE = "size"
    CATEGORY = "category"
    OTHER = "other"


_MODEL_WORD = re.compile(
    r"(?:the )?models?(?: name)?s?|llms?|modell(?:e|o|i)?|mod[eè]les?|modelos?|модел[ьи]"
    r"|模型(?:名称)?"
    r"|モデル(?:名)?|모델(?:명)?|systems?|methods?|方法|agents?|name|checkpoint|variant",
    re.IGNORECASE,
)
_BENCHMARK_WORD = re.compile(
    r"(?:benchmarks?|bench|tasks?|data ?sets?|evals?|evaluations?|tests?|test sets?|suites?|aufgabe"
    r"|datensatz|épreuves?|tests?|jeux? de données|prueba|evaluación|基准(?:测试)?|数据集"
    r"|评测集?|任务"
    r"|测试集?|ベンチマーク|データセット|タスク|評価|벤치마크|데이터셋|평가|бенчмарк|тест"
    r"|задача|датасет)"
    r"(?:\s*[/(（].*)?",
    re.IGNORECASE,
)
_METRIC_WORD = re.compile(r"metrics?(?: used)?|метрика|指标|評価指標|지표|metrik|métrique", re.I)
_SETTING_WORD = re.compile(
    r"#?\s*(?:of )?shots?|n-?shots?|settings?|modes?|prompt(?:ing)?|方式|设置|設定|설정"
    r"|config(?:uration)?"
    r"|scaffold|agent framework|framework|reasoning|thinking|tools?|effort|source|notes?|comments?"
    r"|split|language|lang",
    re.IGNORECASE,
)
# Labels that sort the rows of a table and say nothing of how they were measured.
_CATEGORY_WORD = re.compile(
    r"domains?|types?|categor(?:y|ies)|capabilit(?:y|ies)|areas?|topics?|skills?|dimensions?"
    r"|kategorien?|bereich"
    r"|类别|类型|能力|分类|分野|カテゴリー?|분야|구분|категория|catégorie|categoría|categoria|ability"
    r"|fields?|领域|维度|任务类型",
    re.IGNORECASE,
)
_SIZE = re.compile(
    r"^(?:in|out|input|output|cached|input/output)(?: ?[(（\[/].*)?$|\bsparsity\b"
    r"|\benergy\b|\bcarbon\b|\bco2|\bfps\b|\b[qrt]ps\b|\bdim(?:ension)?s?\b|\bspeed-?up\b|\bturns\b|\bcalls\b|\bstars\b"
    r"|\b(?:avg\.?|average|mean|response|answer|generation|output) (?:len|length)\b|\bepoch\b"
    r"|\bphase\b|\biterations?\b|\bbit-?width\b|¥|元/"
    r"|稀疏|大小|容量|维度|次元|トークン|토큰|能耗|^年$|\byear\b"
    r"|^(?:#|no\.?|nr\.?|№|n[º°]|pos(?:ition|\.)?|place|序号|排名|番号|순번)$|param(?:eter)?s?\b|#\s?(?:tp|ap|p)\b|\b(?:tp|ap)\b|\barchitecture|\barch\b"
    r"|\bcontext (?:length"
    r"|window|size)|\bctx\b|\bwindow\b|\bpric(?:e|es|ing)\b|\bcosts?\b|\$|€|\busd\b|\btokens\b"
    r"(?!\s?-?level)|#\s?token|\btoken (?:count|budget|limit|usage|cost)|\bper token"
    r"|\btok/s|\bthroughput|\blatency|\bspeed|\bttft\b|\btpot\b|\blayers?\b|\bheads\b"
    r"|\bhidden\b|\bexperts\b|\bvocab|\bsizes?\b|\bmemory\b(?!.*bench)|\bvram\b|\bram\b|\bgpus?\b"
    r"|\bdevices?\b|\bhardware\b|\blicen[sc]e|\bdownloads?\b|\blinks?\b|\breleased?\b|\bdate\b"
    r"|\brank(?:ing)?\b|\bvotes\b|\borgani[sz]ation\b|\bdeveloper\b|\boptimizer\b|\bepochs?\b"
    r"|\bbatch\b"
    r"|\blearning rate|\blr\b|\bsteps\b|\bbits\b(?! ?-?per)|\bbpw\b|\btraining (?:data|tokens)"
    r"|\bcompression\b|\bratio\b|\burl\b|\bversion\b|\bweights\b|\bflops\b|\bhours\b"
    r"|\b[ha]800\b|\bh100"
    r"|\bseconds\b|\btime\b|\bminutes\b|\bruntime\b|\b(?:max|input|output|context|sequence"
    r"|seq)[ _-]?"
    r"length\b|^length\b|\bsamples\b|#\s?(?:questions|problems|tasks|examples|instances|items)"
    r"|\bcount\b"
    r"|\bnumber of\b|^base model$|\bhugging ?face\b|\bknowledge cut-?off|\bmodalit"
    r"|参数|激活|上下文|价格|层数|架构|显存|长度|数量|耗时|下载|速度|成本|排名|发布"
    r"|パラメータ|価格|コンテキスト|速度|順位|レイヤ|파라미터|가격|컨텍스트|속도|순위|크기"
    r"|リリース日|公開日|출시일|发布日期|日期|дата|veröffentlich|\bdatum\b|\bsortie\b|\bfecha\b"
    r"|\bdata di\b|цена|параметр|контекст|скорость|стоимость|размер|место|\bpreis|\bkontext|\bgröße"
    r"|\brang\b|\bprix\b"
    r"|\bcontexte\b|\btaille\b|\bvitesse\b|\bprecio|\bcontexto\b|\btamaño\b|\bprezzo|\bcontesto\b",
    re.IGNORECASE,
)
_CHANGE = re.compile(
    r"(?:Δ|± ?(?:std|se|ci)|提升|差|变化|向上|향상"
    r"|(?:delta|diff(?:erence)?s?|gains?|improvements?|changes?|gap|vs\.?|uplift|lift|изменение"
    r"|разница|differenz|écart|std\.?(?: (?:dev|err)\w*)?|stderr|stdev|ci|95% ci|variance|p-value)"
    r"(?![\w]))"
    r".{0,20}",
    re.IGNORECASE,
)
# What a model is built on: it stands in a column of its own beside the model's name.
_BACKBONE = re.compile(
    r"(?:base|backbone|language|text|initial|underlying|foundation)[- ](?:model|llm|lm)s?"
    r"|backbones?|llms?|(?:(?:vision|visual|image|text|audio) )?encoders?|built on|based on"
    r"|基座(?:模型)?|底座(?:模型)?|基础模型|ベースモデル|베이스 ?모델|базовая модель",
    re.IGNORECASE,
)
_CATEGORY = re.compile(
    r"stem|humanities|social sciences?|others?|average|avg\.?|overall|total|easy|medium|hard"
    r"|short|long"
    r"|general|math(?:ematics)?|coding|code|reasoning|writing|roleplay|extraction|knowledge"
    r"|\w+ specific"
    r"|人文|社科|社会科学|其他|平均|总分|理科|文科|人文科学|その他|인문|사회|기타|평균",
    re.IGNORECASE,
)
_MODEL_SHAPE = re.compile(
    r"(?:^|[\s\-_])\d+(?:\.\d+)?[BbMT](?:$|[\s\-_)])|[-_ ](?:Instruct|Chat|Base|RL|SFT"
    r"|Thinking|Preview"
    r"|Turbo|Mini|mini|Pro|Max|Flash|Lite|Plus|Zero)\b|^(?:ours?|our model|baseline|本模型"
    r"|ours \(.*\))$"
    r"|^[A-Z][\w.]*-\d+(?:\.\d+)?(?:-|$)"
)
_BENCH_SHAPE = re.compile(
    r"bench|eval|\w+qa\b|mmlu|mteb|beir\b|retriev(?!er)|rerank(?!er)|\bsts\b|math|arena|olymp"
    r"|\bavg\b|\baverage\b|code(?!x|r)|squad|glue|exam(?!ple)|gsm|challenge|\bif\b"
    r"|leaderboard|aime|hmmt|swe-",
    re.IGNORECASE,
)
EVALUATION = re.compile(
    r"bench|eval|result|perform|score|accura|comparison|compar|基准|评测|评估|性能|成绩|结果"
    r"|効果|ベンチ|評価"
    r"|性能|結果|벤치|평가|성능|결과|бенчм|результат|оценк|метрик|ergebnis|leistung|résultat"
    r"|score|rendimiento"
    r"|risultat|prestazion|leaderboard|榜",
    re.IGNORECASE,
)


def leaning(label: str, vocabulary: Vocabulary) -> tuple[float, float]:
    """How much a label looks like a model and like a benchmark, each 0..3."""
    text = clean(label)
    if not text or METRIC.fullmatch(text):
        return 0.0, 0.0
    if vocabulary.model(text):
        return 3.0, 0.0
    read = read_benchmark(text, vocabulary)
    if read.known:
        return 0.0, 3.0
    if vocabulary.family_at_start(text):
        return 2.0, 0.0
    bench = 1.0 if _BENCH_SHAPE.search(text) else 0.0
    bench += 1.0 if read.metric or any("shot" in s.lower() for s in read.setting) else 0.0
    model = 1.0 if _MODEL_SHAPE.search(text) else 0.0
    if model == 0 and any(
        m.start < 12 and m.what == "model" for m in vocabulary.find(text, prose=False)
    ):
        model = 1.0
    return model, bench


def header_role(text: str) -> Role | None:
    """What a header's own word says about the labels below it."""
    label = clean(text)
    if not label:
        return None
    if _MODEL_WORD.fullmatch(label):
        return Role.MODEL
    if _BENCHMARK_WORD.fullmatch(label):
        return Role.BENCHMARK
    if _METRIC_WORD.fullmatch(label):
        return Role.METRIC
    if _SETTING_WORD.fullmatch(label):
        return Role.SETTING
    if _CATEGORY_WORD.fullmatch(label):
        return Role.CATEGORY
    return None


def is_size(text: str, vocabulary: Vocabulary) -> bool:
    """A row or column of sizes, prices, ranks, dates: numbers that are no scores."""
    label = clean(text)
    return bool(_SIZE.search(label)) and not read_benchmark(label, vocabulary).known


_DATA = re.compile(
    r"(?:(?:pre-?|post-?)?train\w*|fine-?tun\w*|sft|instruct\w*|rl|alignment)"
    r"[- ](?:data(?:set)?s?|corpus|schedule|recipe|stage)"
    r"|(?:训练|微调|预训练)(?:数据|语料)|学習データ",
    re.IGNORECASE,
)


def is_data(text: str) -> bool:
    """A header of what models were trained on."""
    return _DATA.fullmatch(clean(text)) is not None


def is_backbone(text: str) -> bool:
    """A header of what models are built on."""
    return _BACKBONE.fullmatch(clean(text)) is not None


def is_change(text: str) -> bool:
    """A row or column of differences."""
    return _CHANGE.fullmatch(clean(text)) is not None


def is_category(text: str) -> bool:
    """A label that names a field of a benchmark: "STEM", "Humanities", "Hard"."""
    return _CATEGORY.fullmatch(clean(text)) is not None


_SIGNS = re.compile(r"\s*[(（\[]\s*[%％↑↓]+\s*[)）\]]|\s*[%％↑↓]+$|^[%％]\s*")
_SPLIT = re.compile(
    r"(?:dev(?:elopment)?|val(?:id(?:ation)?)?|test|train(?:ing)?|hidden|public|private|held-?out"
    r"|test-?mini|mini|开发集?|挑战集?|验证集?|测试集?|訓練|検証|テスト|검증|테스트)"
    r"(?:[- ]?(?:sets?|splits?|std|dev|mini|a|b))?",
    re.IGNORECASE,
)
# "score" or "rating" say nothing of what is measured; these do.
_NO_QUALITY = re.compile(
    r"results?|performance|结果|成绩|性能|結果|결과|성능|ergebnis(?:se)?|résultats?|resultados?"
    r"|risultat[io]|результаты?|scores?|values?|rating|percentile|correct|top-?\d|数值|値|值|得分|分数|スコア|점수|балл|оценка",
    re.IGNORECASE,
)


def is_metric(text: str) -> bool:
    """A label that is nothing but the name of a metric."""
    label = clean(text)
    return (
        METRIC.fullmatch(label) is not None or METRIC.fullmatch(_SIGNS.sub("", label)) is not None
    )


def is_quality(text: str) -> bool:
    """A metric that says what is measured even where no benchmark is named: "Recall", "BLEU"."""
    label = _SIGNS.sub("", clean(text))
    return is_metric(label) and _NO_QUALITY.fullmatch(label) is None


def is_split(text: str) -> bool:
    """A label that names a split of a benchmark's data: "Valid", "Test (5-shot)"."""
    return _SPLIT.fullmatch(_bare(text)) is not None


_SETUP = re.compile(
    r"(?:zero|few|\d+)-?shots?|fine-?tun(?:ed?|ing)|linear[- ]prob(?:e|ing)"
    r"|(?:text|image|video|audio)-?(?:to|2)-?(?:text|image|video|audio)(?: retrieval)?"
    r"|[tivax]2[tivax]|greedy|sampling"
    r"|with(?:out)? \w+|w/o? ?\w+|cot|direct",
    re.IGNORECASE,
)


def is_setup(text: str) -> bool:
    """A header that says how was measured, and neither what nor whom: "Zero-shot", "w/o CoT"."""
    return _SETUP.fullmatch(clean(text)) is not None


def is_part(text: str, vocabulary: Vocabulary) -> bool:
    """A label that names no benchmark but a part of one, or their average."""
    label = _bare(text)
    averaged = (vocabulary.benchmark(label) or "").startswith("Average")
    core = read_benchmark(label, vocabulary).name  # "Test EM" without its metric
    fixed = (
        is_split(text) or is_split(core) or is_category(label) or is_metric(label) or is_setup(text)
    )
    return averaged or fixed


def _bare(text: str) -> str:
    return re.sub(r"\s*[(（\[][^()（）\[\]]*[)）\]]|\s\d+-?shot", "", clean(text)).strip()
