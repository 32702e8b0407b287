"""The shapes of names: how far a model's name reaches, what looks like a benchmark, what is equal.

Separate from the vocabulary because it holds for names that no list has: "Qwen9-Ultra-320B" is
a model by its family and its parts, "FooBench v2" a benchmark by its ending.
"""

from __future__ import annotations

import re
import unicodedata


def words(text: str) -> frozenset[str]:
    """A set of words, written as words."""
    return frozenset(text.split())


KEEP = re.compile(r"[^0-9a-z\u0400-\u04ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3+]")
WORD_START = re.compile(r"(?<![^\W_])[^\W_]|(?<=[\u0400-\u9fff\uac00-\ud7a3])[A-Za-z0-9τ]")
PLAIN = str.maketrans(
    {"\u2010": "-", "\u2011": "-", "\u2012": "-", "\u2212": "-", "\u00a0": " ", "\u2009": " "}
)
"""Hyphens and spaces of typesetting as a keyboard writes them."""
JOIN = frozenset(" \u00a0\u2009\u200a\u202f\u2002-_\u2010\u2011\u2012–\u2212'’`.^~")
LONGEST = 60

SUFFIX = (
    r"(?:Pro|Ultra|Nano|nano|Flash|Lite|lite|Air|AirX|Mini|mini|Max|Plus|Turbo|turbo|Large|Medium"
    r"|Small|Tiny|XL|Opus|Sonnet|Haiku|Instruct|instruct|Inst\.?|Chat|chat|Base|base|it|IT|RL|SFT"
    r"|DPO|Zero|Thinking|thinking|Reasoner|Reasoning|reasoning|Preview|preview|Exp|exp|Experimental"
    r"|Distill|Distilled|Coder|Code|Math|VL|Omni|omni|Audio|Vision|vision|Next|MoE|Dense|Pretrain"
    r"|Terminus|Speciale|Scout|Maverick|Behemoth|Super|Image|Fast|fast|Think|Heavy|Prover|Embedding"
    r"|Reward|Long|GPTQ|AWQ|FP8|FP4|BF16|Int4|Int8|INT4|INT8|NVFP4|latest|Deep Research|Edge|Micro"
    r"|Deep Think|Premier|Express|Spark|Lightning|plus|pro|max|air|High|medium|high|low|minimal"
    r"|xhigh"
    r"|Pro-Preview|Codex|codex"
    r"|small|large|ultra|flash|tiny|sonnet|opus|haiku"
    r"|Qwen|Llama|Qwen2(?:\.5)?|Llama3?|OSS|oss|linear|Linear|Realtime|Research|R\+?|Nemo|Guard"
    r"|Tiny|Text|X1|T1|A|Agent|Evo|Highspeed|Her|Flagship|NoThinking|non-thinking|Dev"
    r"|Deep(?! (?i:think|research|search|learning|dive))"
    r"|[Aa]lpha|[Bb]eta|Nemotron|Swallow|Reranker|Embed|(?<=-)(?:XS|[LMS](?![-.]))|Multilingual|TTS|ASR|Robotics|Ultralong"
    r"|(?<=-)(?!(?:API|KI|AI|IA|LLM|IDE|SDK|CLI|APP|ID|URL|MODEL|TEAM)(?![A-Z]))[A-Z]{3,}"
    r"|프로(?!젝|그|세|모|필|토)|터보|울트라|플래시|미니|라지|오퍼스|소네트|소넷|하이쿠|싱킹"
    r"|딥(?![시가-힣])|마이크로(?!소)|나노|맥스|플러스|스몰|미디엄|코더|매버릭|스카우트"
    r"|ナノ|マックス|ラージ|スモール|ライト|プラス|プロ(?![ァ-ヶ])|ターボ|ウルトラ|フラッシュ|ミニ|オーパス|ソネット|ハイク)"
)
PART = (
    r"(?:[vV]\d+(?:[.]\d+)*[a-z]?|\d+(?:\.\d+)?x\d+(?:\.\d+)?[Bb]|\d+(?:\.\d+)?[BbMTkK](?![\w])"
    r"|[AaEe]\d+(?:\.\d+)?[Bb](?![\w])|[A-Z]\d{1,2}(?:\.\d)?|\d{4}-\d{2}-\d{2}|[01]\d[0-3]\d(?!\d)"
    r"|20\d{2}|2[3-7](?:0[1-9]|1[0-2])(?!\d)|\d{6}|" + SUFFIX + r"(?![^\W\d_]))"
)
EDITION = re.compile(
    r"v\d+(?:\.\d+)*|\d\.\d|\d+[kKM]|20\d{2}(?:[-/.]\d{1,2})*|\d{4,8}\s*[-–~]\s*\d{4,8}|≤?\d+[kKM]"
    r"|[\d/]+\s*[-–~]\s*[\d/]+|(?:(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?"
    r"|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?[ \d,’']*"
    r"[-–~]?\s*)+|\d{1,2}/\d{2,4}.*|\d+[kK]?\s*[-–]\s*\d+[kKM].*",
    re.IGNORECASE,
)
COMMON_EDITIONS = frozenset(
    ("Full", "High", "Live", "Base", "Chat", "Overall", "Average", "Text", "Main")
)
# The year of a contest, on either side of its name.
YEAR_BEHIND = re.compile(
    r"[ \u00a0-]?(?:(?:de|del|of|von|di|do) )?(?P<year>20[12]\d)(?![\d%.,]\d|\d)"
)
YEAR_BEFORE = re.compile(r"(?<!\d)(?P<year>20[12]\d)(?:[ \u00a0-]|年の?|년 ?)$")
LAST_SIZE = re.compile(r"(\d+(?:\.\d+)?)([BbM]?)$")
MORE_SIZES = re.compile(
    r"(?P<sizes>(?:/\d+(?:\.\d+)?[BbM]?)+(?<=[BbM]))(?P<tail>(?:-[A-Za-z]\w*)*)(?![\w/])"
)
NUMBER = r"\d+(?:\.\d+){0,2}[ac-zV]?(?!\d|[.,]\d|\s?%)"
# What stands between the parts of a name: spaces of all widths, hyphens of all lengths.
GAP = r"[ \u00a0\u2009\u202f\-_\u2010\u2011\u2012–]"
EXTEND = re.compile(
    rf"(?:(?P<number>{GAP}?{NUMBER}(?![\w]))|(?P<part>(?:{GAP}|\.)?{PART}))", re.ASCII
)
# A model that has only its maker's name and a size: "Upstage 70B".
OF_MAKER = re.compile(
    r"[ \u00a0-](?P<size>\d{1,4}(?:\.\d+)?B(?:-[A-Z]\w*)?)(?![\w-])"
    r"(?!\s?(?:param|tokens|토큰|파라미터|매개|パラメ|参数|параметр|users|people|\$|USD|dollars))",
    re.ASCII,
)
BENCH_SHAPE = re.compile(
    r"(?<![\wÀ-ɏЀ-ӿ-])(?:[A-Zτ][\w²τ^+]*[ -]){0,2}[\w²τ]*"
    r"(?:[bB]ench(?!mark)|BENCH|Eval|Arena|QA|Leaderboard|MMLU|[a-z]Exam|[a-zA-Z]GLUE|QuAD)"
    r"(?:[ -]?(?:v\d+(?:\.\d+)?|\d(?:\.\d)?(?![\d.,]|\s?%)|Pro|Hard|Lite|Verified|Plus"
    r"|Multilingual))*(?![\w])",
    re.ASCII,  # the words of Japanese and Chinese around a name are no part of it
)
# A model of no known family, by the size in its name: "Foo-7B-Instruct".
SIZED_MODEL = re.compile(
    r"(?:(?<![\w./-])|(?<=\w/))[A-Za-z][\w.]{0,24}(?:-[\w.]{1,16}){0,4}?-\d+(?:\.\d+)?[bB](?:-[A-"
    r"Za-z0-9](?:[\w.]{0,15}\w)?){0,4}(?![\w-])",
    re.ASCII,
)
# A model of no known family, called one: "the model called NullModel".
CALLED_MODEL = re.compile(
    r"\b[mM]odel(?:s|l|lo|o)?,? (?:called|named|dubbed|known as|namens|genannt|llamado|chiamato"
    r"|appelé) "
    r"(?P<name>[A-Z][\w.]*(?:-[\w.]+)*\w)"
)
# A benchmark of no known shape, by the word behind it: "the Foo-2 benchmark".
CALLED_BENCH = re.compile(
    r"(?<![\w-])(?P<name>[A-Z][\w+]*(?:[ -](?:[A-Z][\w+]*|v?\d[\w.]*|p\d)){0,3})"
    r"(?:-Benchmark\b|(?=[ -](?:\w+ ){0,2}(?:[bB]enchmarks?(?:-Test)?\b|[lL]eaderboard\b"
    r"|test suite|ベンチマーク|벤치마크|基准测试|бенчмарк)))",
    re.ASCII,
)
# A benchmark by its place: "76.5% on the MBE".
MEASURED_ON = re.compile(
    r"[%％] (?:on|auf|bei|sur|su) (?:the |der |dem |le |la |el |il )?"
    r"(?P<name>[A-Z][\w+]*(?:-[\w+]+)*(?: (?:[A-Z][\w+]*|v\d[\w.]*)){0,2})(?![\w-])",
    re.ASCII,
)
NO_BENCH_NAME = words(
    "ai llm llms ml nlp cpu gpu api qa stem sota us eu it os llama open new the math coding code"
    " open-source"
    " llm-benchmark ki ia ии openai google meta microsoft nvidia python github ui rag agi vlm asr"
    " ocr"
    " aws azure gcp gpus cpus tpu tpus apple amazon reddit x youtube tiktok twitter facebook"
    " average"
    " mac pc ios android mha mqa mla fp4 fp8 fp16 fp32 bf16 int4 int8 nvfp4 mxfp4 a100 h100 h200"
    " h20 b200 v100 l40s rtx q1 q2 q3 q4 h1 h2 gpt kv json html css sql ceo cto ipo gdp"
)
LEADING_WORD = re.compile(r"([^\W\d_]+)[ -]")
# Words that stand before a name and are no part of it.
NO_NAME = words(
    "model size comp "
    "im in auf bei beim am an zum für mit laut der die das den dem on at the a of for with our "
    "new and by both"
    " sur le la les au aux du de des en el los las del al un una con il lo gli nel nella sul "
    "sulla su und et y e"
    " while its this that from to as is are was per für official offiziellen los via using "
    "against under"
)
NOT_A_BENCH = words("mqa qa eval evals arena bench leaderboard the our open on in of")


def norm(text: str) -> str:
    """The form names are compared in: no case, no punctuation, no spaces."""
    flat = unicodedata.normalize("NFKD", text).replace("τ", "tau").replace("²", "2").casefold()
    # Decomposed to drop accents; Korean syllables and kana must come together again.
    return KEEP.sub("", unicodedata.normalize("NFC", flat))


# Families that are also words: without a version they are not taken for models in running text.
COMMON_FAMILIES = words(
    "step seed nova command spark solar arctic titan orca falcon pi opt ring ling ming nexus phi s1"
    " intern aya yi dots aria prime polaris viking orion amber velvet hermes sonar granite codex"
    " trinity typhoon various bard dolphin starling inflection titanic sailor mamba zephyr "
    "moonlight"
    " opus sonnet haiku hy flan hunyuan gpt llm it afm mai minerva palm tulu lfm"
    " alpaca koala dolly guanaco otter monkey emu apollo textembedding cpm bert clip"
    " whisper bloom cosmos composer canary"
    " parakeet moss abel  rerank flamingo chameleon janus aristotle laguna asimov"
    " marker surya hawk griffin samba hyena borealis shisa tanuki karasu weblab"
    " index yuan florence alia bagel saba vidi nanda electra albert imagen sora anita cerbero"
    " munin mythos cambrian luminous gopher chinchilla nomic cwm bge gte yarn asclepius jina"
    " voyage tongyi sera phind refact camel sabia amália tucano 믿음 오퍼스 オーパス"
)


SPACES = " \u00a0\u2009\u202f"
HYPHENS = "-_\u2010\u2011\u2012"
LETTERS = "abcdefghijklmnopqrstuvwxyzV"
NEWEST = 12  # a higher number behind a space is no version
_STAGE = re.compile(r" (?:chat|instruct|base)(?![\w-])")  # "Llama 2 70b chat"
_LITTLE = re.compile(r" (?:mini|nano|turbo|flash|preview|lite)(?![\w-])")  # "GPT-4.1 nano"
# A day behind a name, and then its score: "Gemini 2.0 Pro 0205: 1379".
_DATED = re.compile(r" (?:0[1-9]|1[0-2])(?:[0-2]\d|3[01])(?=\s?[:：(（|])")


def grow(text: str, start: int, end: int, prose: bool) -> int:
    """Where a model's name ends: versions, sizes and suffixes behind its family."""
    numbered = bool(re.search(r"\d", text[start:end]))
    while True:
        dated = _DATED.match(text, end) if numbered else None
        if dated:
            return dated.end()
        part = EXTEND.match(text, end)
        if part is None:
            return end
        if part["number"]:
            spaced = part["number"][0] in SPACES
            if numbered and (spaced or part["number"][0] not in HYPHENS):
                return end
            if (
                spaced
                and prose
                and float(part["number"][1:].split(".")[0].rstrip(LETTERS)) > NEWEST
            ):
                return end  # a score behind a name: "Gemini 37"
            if spaced and prose and re.match(r"\s*(?:%|points?|分|点)", text[part.end() :]):
                return end
            numbered = True
        elif re.match(r" v\d", part["part"]):
            numbered = True  # "Foo v1.5"
        elif text[end : end + 1] == " " and part["part"][1:2].islower():
            stage = _STAGE.match(text, end) if text[end - 1] in "bB" else None
            stage = stage or (_LITTLE.match(text, end) if numbered else None)
            return stage.end() if stage else end
        elif re.search(r"\d", part["part"]):
            numbered = True
        end = part.end()


# What looks like a model's name and is none: a file, a set of examples, a count of steps.
_FILE = re.compile(
    r"\.(?:png|jpe?g|gif|svg|webp|pdf|html?|md|mdx|json|py|ipynb|mp4|sh|txt|csv)\b", re.I
)
_EXAMPLES = re.compile(r"[-_ ](?!(?:4|8|16|32|40|64|80|100|128|200|256|512)[kK])\d+[kK]$")
_STEP = re.compile(r"step \d+|step[- ]?\d+(?!.)|STEP[- ]?\d+", re.ASCII | re.I)


def is_no_model(text: str, start: int, end: int) -> bool:
    """The name of a file ("gpt4-2.png"), of training data ("Foo-17k") or a numbered step."""
    raw = text[start:end]
    if _FILE.match(text, end) or (_EXAMPLES.search(raw) and not re.search(r"\d[bB]\b", raw)):
        return True
    return _STEP.fullmatch(raw) is not None and raw[4:5] != "-"


_GLUED_SHARE = re.compile(r"\d{1,3}(?:\.\d+)?\s?[%％]")
_DECIMALS = re.compile(r"\.\d")


def ends(text: str, at: int) -> bool:
    """A name may end before ``at``: a boundary, or scripts that are written without spaces.

    The version of a name goes on behind its point ("Sonnet 4" is not what "Sonnet 4.6" names), and
    a percentage may stand right behind a name in texts that use no spaces.
    """
    if at >= len(text):
        return True
    after = text[at]
    if after == "." and text[at - 1].isdigit():
        return _DECIMALS.match(text, at) is None
    if after.isdigit() and text[at - 1].isalpha() and _GLUED_SHARE.match(text, at):
        return True
    return not after.isalnum() or not after.isascii() or not text[at - 1].isascii()
