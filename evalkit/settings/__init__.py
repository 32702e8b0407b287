"""Settings: flags, environment and evalkit.toml become values that know where they came from.

The order is flag, environment (``EVALKIT_*``), evalkit.toml, default. Misspelled keys are refused
with the nearest right one. An example of ``evalkit.toml``, with every table there is::

    [defaults]
    endpoint = "moonshot"
    concurrency = 16

    [endpoints.moonshot]
    base_url = "https://api.moonshot.ai/v1"
    api_key_env = "MOONSHOT_API_KEY"
    model = "kimi-k2-thinking"
    rpm = 500
    price = { input = 0.6, cached_input = 0.15, output = 2.5 }

    [roles.judge]
    endpoint = "openai"
    model = "gpt-4.1-2025-04-14"

    [roles.judge2]                       # a panel; up to judge5
    endpoint = "moonshot"

    [roles.user]
    endpoint = "openai"
    model = "gpt-4.1-2025-04-14"
"""

from evalkit.settings.endpoint import EndpointSettings, Price
from evalkit.settings.home import cache_home
from evalkit.settings.load import CACHE_MODES, JUDGES, ROLES, Origin, Settings, load_settings
from evalkit.settings.resolve import resolve_endpoint

__all__ = [
    "CACHE_MODES",
    "JUDGES",
    "ROLES",
    "EndpointSettings",
    "Origin",
    "Price",
    "Settings",
    "cache_home",
    "load_settings",
    "resolve_endpoint",
]
