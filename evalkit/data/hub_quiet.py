"""The hub's own library without its wait for a hub that is not there: :func:`quiet_hub`.

Without network the library asks six times over half a minute and prints a line each time, before it
looks into its cache. Here the hub's address is tried once; where nobody answers, the library is
offline for the call, as with ``HF_HUB_OFFLINE``, and takes what its cache has::

    with quiet_hub() as absent:
        path = hf_hub_download(...)     # absent says why nobody answers; None: somebody does
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import ModuleType
from typing import Final

_CONNECT_S: Final = 10.0


@contextmanager
def quiet_hub(*, datasets: bool = False) -> Iterator[str | None]:
    """Call the hub's library in this block.

    Args:
        datasets: Also the library ``datasets`` is called.

    Yields:
        Why nobody answers at the hub's address; None where somebody does, or where the person has
        switched the network off already (``HF_HUB_OFFLINE``).
    """
    from huggingface_hub import constants
    from huggingface_hub.utils import logging

    libraries: list[tuple[ModuleType, ModuleType]] = [(constants, logging)]
    if datasets:
        from datasets import config
        from datasets.utils import logging as datasets_logging

        libraries.append((config, datasets_logging))
    absent = None if constants.HF_HUB_OFFLINE else _nobody_at(constants.ENDPOINT)
    with ExitStack() as stack:
        for settings, log in libraries:
            stack.callback(log.set_verbosity, log.get_verbosity())
            log.set_verbosity_error()
            if absent is not None:
                stack.callback(setattr, settings, "HF_HUB_OFFLINE", settings.HF_HUB_OFFLINE)
                settings.HF_HUB_OFFLINE = True  # type: ignore[attr-defined]
        yield absent


def _nobody_at(address: str) -> str | None:
    """Why no connection comes about; any answer at all, an error too, is somebody."""
    import httpx

    try:
        httpx.head(address, timeout=_CONNECT_S)
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as error:
        said = str(error) or type(error).__name__
        return f"nobody answers at {address}: {said}"
    except httpx.HTTPError:
        return None
    return None
