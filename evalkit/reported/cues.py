"""Words that tie a score to its benchmark and its model, in nine languages.

All of it is data: regular expressions over running text, by role. English, Chinese, French,
Italian, German, Spanish, Japanese, Korean and Russian stand side by side because documents mix
them (an Italian article quotes English terms, a Chinese report is full of them). What tells scores
from other numbers is in ``number_cues.py``, comparisons in ``versus_cues.py``.
"""

from __future__ import annotations

import re

I = re.IGNORECASE  # noqa: E741

# Tests in the plural and without names: what is said of them is of no one named before.
MANY_TESTS = re.compile(
    r"\b(?:many|several|most|various|multiple|numerous|some|other|vielen?|mehreren?|plusieurs"
    r"|varios|muchos|molti|diversi"
    r"|многих|нескольких)\s(?:\w+[- ]){0,3}(?:tasks|benchmarks|tests|aufgaben|tâches|tareas"
    r"|compiti|задач|тест|бенчмарк)"
    r"|(?:多くの|複数の|様々な|さまざまな)[^、。]{0,10}(?:タスク|ベンチマーク|テスト)|(?:多个|多項|多项|各种|许多)[^，。]{0,10}(?:任务|基准"
    r"|测试|评测)"
    r"|(?:여러|다양한|많은)[^,.]{0,10}(?:작업|벤치마크|과제|시험)",
    I,
)

# From a number to the benchmark behind it: "72.6% on AIME 2024".
TO_RIGHT = re.compile(
    r"(?:\b(?:on|in|at|for|against|of|across|within|under|over|auf|bei|beim|im|in|am|aus|sur|à"
    r"|au|aux|dans|en|lors"
    r"|pour|su|sul|sulla|sull|nel|nella|nell|al|alla|in|en|del|de|na|на|в|по)\b|['’]|的|の)",
    I,
)

BREAKS = re.compile(
    r"[,;:，、；：。!?]|\b(?:and|or|while|but|versus|vs|compared|whereas|than|against|und"
    r"|sowie|aber|gegenüber|während"
    r"|et|mais|contre|tandis|y|pero|frente|mientras|e|ma|mentre|contro|rispetto|и|а|но"
    r"|против)\b|和|与|及|と|や|및|와|과",
    I,
)

# A number of its own right behind a name: "Gemini (86.2%)", "Claude: 84.9".
OWN_NUMBER = re.compile(
    r"\s?(?:[(（:：]|的|の|의|['’]s)\s?(?:about |around |roughly |nearly |almost "
    r"|approximately )?[~≈]?\d"
)

# A verb of scoring right behind a name: "Claude achieves 77.2".
SCORES = re.compile(
    r"\s(?:scor(?:es|ed)|achiev(?:es|ed)|reach(?:es|ed)|gets|got|hits|post(?:s|ed)|erreicht"
    r"|erzielt|obtient|atteint"
    r"|obtiene|alcanza|logra|ottiene|raggiunge|набирает|набрал\w*)\s(?:\w+\s){0,2}[~≈]?\d",
    I,
)

# Another test than the one spoken of: "82% on the X", "auf dem X-Test".
OTHER_TEST = re.compile(
    r"[%％]\s(?:on|in|auf|bei|im|sur|au|en|su|nel|на|в)\s(?:the |a |an |der |dem |den |le |la |el "
    r"|il |lo )?"
    r"(?!(?:GPT|Claude|Gemini|Qwen|Kimi|DeepSeek)\b)[A-Z][\w-]+(?!\d)"
)

LIST_GAP = re.compile(
    r"\s*(?:%|％|percent|points?|分|점|点)?\s*[\"”»’)\]]?\s*(?:[,，、;/&]|[,，]?\s*(?:and|und"
    r"|et|y|e|ed|и|sowie|or|as well"
    r" as|bzw\.?|和|与|及|以及|および|ならびに|と|및|와|과|그리고|、)|و)\s*"
    r"(?:the|la|le|el|il|auf|on|sur|en|su"
    r"|na|на)?\s*[\"“„«‘(]?\s*",
    I,
)

RESPECTIVELY = re.compile(
    r"\brespectively\b|beziehungsweise|bzw\.?|jeweils|respectivement|respectivamente"
    r"|rispettivamente"
    r"|соответственно|分别|各自|それぞれ|각각",
    I,
)

# From a number to the model behind it: "41.7 % for GPT-5".
OF_MODEL = re.compile(
    r"\s?(?:%|％|percent|per cent|prozent|points?|punkten?|puntos?|punti|баллов|балла|elo)?\s*"
    r"(?:(?:success|pass|win|solve|resolution|accuracy|hit)?\s?(?:rate|score|accuracy)\s)?"
    r"(?:\[\d{1,3}\]\s*){0,3}"
    r"(?:(?:achieved|reached|scored|obtained|obtenu|atteint|obtenido|alcanzado|logrado|ottenuto"
    r"|raggiunto)\s(?:by|par|por|da[l]?)|for|of|by|from|with|in|on|pour|de|du|d['’]|des|von|vom|für"
    r"|bei|di|del|della|dell['’]|per|da"
    r"|para|у|от|для)"
    r"\s*(?:the|los|las|der|die|das|dem|den|el|il|la|le|its|l['’])?\s*",
    I,
)

# Between a model and its number, whatever came before the model.
BOUND_TO_MODEL = re.compile(
    r"\s*(?:[(（][^()（）\d]{1,20}[)）]\s*)?"
    r"(?:[(（\[]\s*|['’]s?\s+(?:\w+\s){0,2}|の|의\s?|的|:\s*|：\s*|=\s*|[—–-]\s|\bat\s+"
    r"|\bwith\s+|\bmit\s+|\bavec\s+|\bcon\s+"
    r"|\s?на\s+уровне\s+|\bà\s+|\ba\s+|\bbei\s+|の|[がは][、,]?\s?|은\s?|는\s?|이\s?|가\s?)"
    r"(?:\s*(?:a score of|score of|scores? of|un score de|einem wert von|about|around|ca\.?|~"
    r"|≈|总分|得分|分数|成绩|スコア)\s*)?"
    r"[(（]?\s*[~≈∼]?",
    I,
)

SCORE_VERB = re.compile(
    r"\b(?:scor(?:es?|ed|ing)|achiev(?:es?|ed|ing)|reach(?:es|ed|ing)?|attain(?:s|ed|ing)?"
    r"|obtain(?:s|ed|ing)?|get(?:s|ting)?"
    r"|got|hit(?:s|ting)?|post(?:s|ed|ing)|record(?:s|ed|ing)|register(?:s|ed)|earn(?:s|ed)"
    r"|deliver(?:s|ed|ing)|land(?:s|ed)"
    r"|solv(?:es?|ed|ing)|resolv(?:es?|ed|ing)|clocks?|marks?|manages?|came in|comes in"
    r"|stands? at|sits? at|result(?:s|ed)?"
    r"|accuracy|success rate|pass rate|win[- ]rate|score|performance|erreicht\w*|erziel\w*"
    r"|kommt auf"
    r"|kam auf|holt\w*|schafft\w*|liegt bei"
    r"|wert von|genauigkeit|löst|ausweist|angibt|gibt .{0,40} an|punktet|obt(?:ient|enu|enant)"
    r"|atteint|atteign\w+|affiche\w*"
    r"|enregistre\w*|décroche|précision|score|signe|alcanza\w*|obtiene\w*|obtuv\w+|logra\w*"
    r"|consigue|anota|registra\w*|marca"
    r"|puntuación|raggiunge\w*|ottiene|ottenuto|ottien\w+|segna\w*|totalizza\w*|punteggio"
    r"|accuratezza|tocca"
    r"|набира\w+|набра\w+|достиг\w+|показ\w+|получ\w+|реша\w+|результат\w*|точност\w+)\b"
    r"|达到|取得|获得|总分|平均分|得分|实现|拿下|斩获|为|准确率|成绩|正确|記録|達成|獲得|スコア|正解率"
    r"|到達|マーク|기록|달성|획득|점수|정확도",
    I,
)

WITH_TOOLS = re.compile(
    r"\b(?:with|using|w/) (?:\w+ ){0,2}(?:tools?|python|search|web search|code"
    r"|extended thinking|thinking|browsing)\b"
    r"|\b(?:no|without|w/o) (?:tools?|python|search|thinking)\b|\btools? (?:enabled|use)\b"
    r"|\btext[- ]only\b"
    r"|\bavec (?:des )?outils\b|\bsans outils?\b|\bmit (?:tools|werkzeugen)\b|\bohne (?:tools"
    r"|werkzeuge)\b"
    r"|\bcon (?:herramientas|strumenti|búsqueda web|ricerca web|tools?)\b|\bsin herramientas\b"
    r"|\bsenza strumenti\b"
    r"|\bс инструмент\w+|\bбез инструмент\w+|使用工具|带工具|无工具|不使用工具|启用工具"
    r"|工具辅助|ツール(?:使用|あり|利用|なし)|도구\s?(?:사용|포함|없이)"
    r"|\b(?:zero|few|\d+)-shot\b|\bgreedy\b|\bchain[- ]of[- ]thought\b|\bCoT\b"
    r"|\bmajority voting\b|\bsingle[- ]attempt\b"
    r"|\bthinking mode\b|\bnon-thinking\b|\bparallel (?:test-time )?compute\b",
    I,
)

# Somebody else than the model that is spoken of, without a name.
SOMEONE = re.compile(
    r"\b(?:(?:best|other|previous|next[- ]best|second[- ]best|leading"
    r"|strongest) (?:\w+[- ])?(?:open|closed|public|known)?[- ]?(?:source |weights? )?"
    r"(?:models?|systems?|results?|records?|sota)"
    r"|(?:most|many|few|all|any|no|some|frontier|current|existing|today['’]s|typical|top)"
    r" (?:\w+[- ]){0,2}(?:models?|systems?|llms)"
    r"|an? (?:\w+ )?(?:model|system) (?:that|which|with|scoring|at)|the same (?:model|system)"
    r"|\bein(?:em)? (?:\w+)?modell,? (?:mit|das|welches)|\bun modèle (?:qui|avec)"
    r"|\bun modelo (?:que|con)|\bun modello (?:che|con)"
    r"|(?:all|both|none) (?:scor\w+|between|under|below|above|fall)|(?:todos|todas) (?:entre|por)"
    r"|first (?:\w+[- ]){0,2}(?:(?:model|system|ai|llm) )?(?:to|that|ever to) (?:exceed|surpass"
    r"|break|cross|pass|top|reach)"
    r"|la mayoría de (?:los )?(?:\w+ )?(?:modelos|sistemas)|la plupart des (?:modèles|systèmes)"
    r"|(?:die )?meisten (?:\w+ )?(?:modelle|systeme)"
    r"|la maggior parte dei (?:modelli|sistemi)|большинство (?:\w+ )?(?:моделей|систем)"
    r"|competitors?|rivals?|its predecessor"
    r"|the predecessor|vorgänger\w*|konkurren\w+"
    r"|prédécesseur\w*|concurrents?|predecesor\w*|competidor\w*|rivales|predecessor[ei]"
    r"|concorrent[ei]|предшественник\w*"
    r"|конкурент\w*)\b|(?:大)?多数(?:的)?(?:大)?模型|业界最好"
    r"|上一代|前代|前身|竞品|其他模型"
    r"|多くのモデル|ほとんどのモデル|대부분의 모델|前モデル|前世代|競合|이전 모델|전작"
    r"|경쟁 모델",
    I,
)

# Whoever it may be: the rest of the sentence is of nobody.
ANYONE = re.compile(
    r"\b(?:any|a|an) (?:\w+[- ]){0,2}(?:model|system|ai) (?:with|that|which|scoring|must|would)\b"
    r"|\b(?:if|when|suppose|imagine) (?:any|a|an|one|your|the) (?:\w+[- ]){0,2}(?:model|system|ai"
    r"|llm)\b"
    r"|\bwenn ein modell\b|\bsi (?:un|votre|tu) (?:modèle|modelo)\b|\bse un modello\b"
    r"|\bесли модель\b|如果一?个?模型"
    r"|\b(?:jedes|ein) (?:\w+)?modell,? das\b|\b(?:tout|un) modèle qui\b|\b(?:cualquier"
    r"|un) modelo que\b"
    r"|\bqualsiasi modello\b|\bлюбая модель\b|任何模型|どのモデル|어떤 모델",
    I,
)

SOMEONE_BEHIND = re.compile(
    r"\s?(?:%|％|points?)?\s(?:of|for|by|from|among|von|bei|de|du|des|di|у)\s(?:the |its |all "
    r"|most |der |dem |des |le "
    r"|la |el |lo )?(?:next|best|other|previous|second|strongest|average|comparable|competing"
    r"|leading|strong|nächst"
    r"|best|suivant|siguiente|mejor|migliore|прошл|лучш)",
    I,
)

# The benchmark of the paragraph before, spoken of without its name.
SAME_TEST = re.compile(
    r"\bsame (?:test|benchmark|exam|evaluation)\b"
    r"|\b(?:im gleichen|im selben|demselben) (?:test|benchmark)"
    r"|\bmême (?:test|benchmark|épreuve)|\b(?:misma prueba|mismo (?:test|benchmark|examen))"
    r"|\bstesso (?:test|benchmark|esame)|\bтом же (?:тесте|бенчмарке)|同一(?:测试|基准|评测)"
    r"|同じ(?:テスト|ベンチマーク)|같은 (?:테스트|벤치마크|시험)",
    I,
)

METRIC_NEAR = re.compile(
    r"pass[@^]\d+|avg@\d+|cons@\d+|maj@\d+|elo(?: rating)?|accuracy|exact match|\bF1\b"
    r"|win[- ]?rate|准确率|正解率|정확도"
    r"|точност\w+|genauigkeit|précision|percentile",
    I,
)
