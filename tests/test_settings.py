"""What can be set: the order of the sources, and refusals that name the place and the way out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from evalkit.errors import SettingsError
from evalkit.settings import (
    EndpointSettings,
    Price,
    Settings,
    load_settings,
    resolve_endpoint,
)

SECRET = "sk-hush-hush-0123456789"


def load(
    folder: Path, toml: str | None = None, environ: dict[str, str] | None = None, **flags: Any
) -> Settings:
    if toml is not None:
        (folder / "evalkit.toml").write_text(toml, encoding="utf-8")
    return load_settings(flags, folder=folder, environ=environ or {})


def refusal(
    folder: Path, toml: str | None, environ: dict[str, str] | None = None, **flags: Any
) -> str:
    with pytest.raises(SettingsError) as caught:
        load(folder, toml, environ, **flags)
    assert caught.value.exit_code == 2
    return str(caught.value)


class TestSources:
    def test_flag_environment_file_default_in_this_order(self, tmp_path: Path) -> None:
        toml = '[defaults]\nout = "a"\nconcurrency = 2\nmodel = "file"\ncache = "off"'
        environ = {"EVALKIT_CONCURRENCY": "3", "EVALKIT_MODEL": "env", "EVALKIT_CACHE": ""}
        settings = load(tmp_path, toml, environ, model="flag", cache=None)
        found = {name: (settings[name], settings.origin(name)) for name in settings.values}
        assert found["model"] == ("flag", "--model")
        assert found["concurrency"] == (3, "EVALKIT_CONCURRENCY")
        assert found["out"] == ("a", "evalkit.toml")
        assert found["cache"] == ("off", "evalkit.toml")
        assert found["transport"] == ("auto", "default")
        assert settings.source == tmp_path / "evalkit.toml"

    def test_flags_of_two_words_are_named_as_they_are_typed(self, tmp_path: Path) -> None:
        settings = load(tmp_path, cache_dir="x", budget_usd=1.5)
        assert settings.origin("cache_dir") == "--cache-dir"
        assert (settings["budget_usd"], settings.source) == (1.5, None)

    def test_numbers_come_out_of_texts(self, tmp_path: Path) -> None:
        environ = {"EVALKIT_BUDGET_USD": "2.5", "EVALKIT_BUDGET_TOKENS": "7"}
        settings = load(tmp_path, environ=environ)
        assert (settings["budget_usd"], settings["budget_tokens"]) == (2.5, 7)

    def test_another_file_may_be_named(self, tmp_path: Path) -> None:
        other = tmp_path / "other.toml"
        other.write_text('[defaults]\nmodel = "m"', encoding="utf-8")
        assert load(tmp_path, environ={"EVALKIT_CONFIG": str(other)})["model"] == "m"
        said = refusal(tmp_path, None, {"EVALKIT_CONFIG": str(tmp_path / "absent.toml")})
        assert "EVALKIT_CONFIG" in said

    def test_a_file_that_is_no_toml(self, tmp_path: Path) -> None:
        assert "not valid TOML" in refusal(tmp_path, "[defaults")
        (tmp_path / "evalkit.toml").write_bytes(b"\xff\xfe")
        assert "cannot be read" in refusal(tmp_path, None)


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ("[default]", "Did you mean 'defaults'"),
        ("[defaults]\nconcurency = 3", "Did you mean 'concurrency'"),
        ("[defaults]\nzzz = 3", "Known: endpoint, model"),
        ('[endpoints.a]\nbase_uri = "x"', "Did you mean 'base_url'"),
        ("[endpoints.a.price]\nimput = 1\noutput = 1", "Did you mean 'input'"),
        ("[roles.jugde]", "Did you mean 'judge'"),
        ('[roles.judge]\nmodell = "x"', "Did you mean 'model'"),
    ],
)
def test_a_misspelled_key_is_named_with_the_right_one(toml: str, said: str, tmp_path: Path) -> None:
    found = refusal(tmp_path, toml)
    assert said in found
    assert "evalkit.toml" in found


@pytest.mark.parametrize(
    ("toml", "name"),
    [
        ("defaults = 1", "defaults"),
        ("endpoints = 1", "endpoints"),
        ("endpoints = [1]", "endpoints"),
        ("roles = 1", "roles"),
        ("[endpoints]\na = 1", "endpoints.a"),
        ("[[endpoints.a]]", "endpoints.a"),
        ("[roles]\njudge = 1", "roles.judge"),
        ("[roles.judge]\nmodel = 1", "model"),
        ("[defaults]\nmodel = 1", "model"),
        ('[defaults]\nconcurrency = "many"', "concurrency"),
        ("[defaults]\nconcurrency = 1.5", "concurrency"),
        ("[defaults]\nconcurrency = true", "concurrency"),
        ("[defaults]\nbudget_usd = true", "budget_usd"),
        ('[endpoints.a]\nstream = "yes"', "stream"),
        ("[endpoints.a]\nretries = true", "retries"),
        ("[endpoints.a]\nprice = 3", "price"),
        ('[endpoints.a.price]\ninput = "1"\noutput = 1', "input"),
        ("[endpoints.a.price]\ninput = true\noutput = 1", "input"),
        ("[endpoints.a.price]\ninput = 1", "output"),
        ("[endpoints.a.headers]\nx-route = 1", "x-route"),
        ('[endpoints.a.headers]\nx-route = "a\\nb"', "x-route"),
        ('[endpoints.a.headers]\n"x route" = "a"', "x route"),
        ('[endpoints.a]\ntoken_param = "max"', "token_param"),
        ('[defaults]\ncache = "maybe"', "cache"),
    ],
)
def test_a_wrong_type_is_named_with_its_place(toml: str, name: str, tmp_path: Path) -> None:
    assert name in refusal(tmp_path, toml)


@pytest.mark.parametrize(
    "line",
    [
        "concurrency = 0", "concurrency = -1", "timeout_s = 0", "timeout_s = nan",
        "timeout_s = inf", "retries = -1", "retry_window_s = -0.5", "retry_window_s = nan",
        "rpm = 0", "rpm = -1", "rpm = inf", "tpm = 0.0", "tpm = nan",
        "price = { input = -1, output = 1 }", "price = { input = 1, output = nan }",
        "price = { input = 1, output = 1, cached_input = -0.1 }",
        "extra_body = { temperature = nan }", "extra_body = { top_p = 'high' }",
        "extra_body = { max_tokens = 10.5 }", "extra_body = { seed = true }",
        "extra_body = { a = { b = [1, inf] } }",
        "settings = { x = -inf }",
    ],
)  # fmt: skip
def test_numbers_of_an_endpoint_have_bounds(line: str, tmp_path: Path) -> None:
    found = refusal(tmp_path, f"[endpoints.mine]\n{line}")
    assert "[endpoints.mine]" in found
    assert line.split(" ")[0] in found


def test_the_least_that_is_allowed(tmp_path: Path) -> None:
    toml = """
        [endpoints.a]
        base_url = "http://localhost/v1"
        model = "m"
        concurrency = 1
        timeout_s = 0.1
        retries = 0
        retry_window_s = 0
        rpm = 0.5
        price = { input = 0, output = 0.0 }
        headers = { x-route = "eu" }
    """
    found = resolve_endpoint(load(tmp_path, toml), name="a")
    assert (found.concurrency, found.retries, found.rpm) == (1, 0, 0.5)
    assert found.price == Price(0, 0.0)


@pytest.mark.parametrize(
    ("key", "value"),
    [("concurrency", 0), ("budget_usd", 0), ("budget_usd", -1.0), ("budget_tokens", 0)],
)
def test_defaults_environment_and_flags_have_the_same_bounds(
    key: str, value: Any, tmp_path: Path
) -> None:
    environ = {f"EVALKIT_{key.upper()}": str(value)}
    flag: dict[str, Any] = {key: value}
    assert f"[defaults]: {key}" in refusal(tmp_path, f"[defaults]\n{key} = {value}")
    assert f"EVALKIT_{key.upper()}" in refusal(tmp_path / "none", None, environ)
    assert "--" + key.replace("_", "-") in refusal(tmp_path / "none", None, **flag)


@pytest.mark.parametrize("text", ["nan", "inf", "-inf", "x", "1e999"])
def test_no_budget_is_beyond_numbers(text: str, tmp_path: Path) -> None:
    assert "EVALKIT_BUDGET_USD" in refusal(tmp_path, None, {"EVALKIT_BUDGET_USD": text})
    with pytest.raises(SettingsError):
        load(tmp_path, budget_usd=float("nan"))


@pytest.mark.parametrize(
    "fields",
    [
        {"concurrency": 0}, {"timeout_s": 0.0}, {"timeout_s": float("nan")}, {"retries": -1},
        {"rpm": 0.0}, {"tpm": float("inf")}, {"retry_window_s": -1.0},
    ],
)  # fmt: skip
def test_an_endpoint_is_held_to_its_bounds_however_it_was_made(fields: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=next(iter(fields))):
        EndpointSettings("http://localhost/v1", "m", **fields)
    with pytest.raises(SettingsError, match="price"):
        Price(input=float("nan"), output=1.0)
    with pytest.raises(SettingsError, match="price"):
        Price(input=1.0, output=-1.0)


class TestCredentials:
    @pytest.mark.parametrize("name", ["Authorization", "api-key", "X-API-Key", "cookie"])
    def test_no_header_carries_one(self, name: str, tmp_path: Path) -> None:
        toml = f'[endpoints.a.headers]\n{name} = "{SECRET}"'
        found = refusal(tmp_path, toml)
        assert "api_key_env" in found
        assert SECRET not in found

    @pytest.mark.parametrize(
        "url",
        [
            f"https://h.example/v1?key={SECRET}",
            f"https://h.example/v1#{SECRET}",
            f"https://h.example/v1/chat/completions?key={SECRET}",
            f"https://me:{SECRET}@h.example/v1",
            f"https://{SECRET}@h.example/v1",
        ],
    )
    def test_no_address_carries_one(self, url: str, tmp_path: Path) -> None:
        said = refusal(tmp_path, f'[endpoints.a]\nbase_url = "{url}"')
        with pytest.raises(SettingsError) as caught:
            resolve_endpoint(load(tmp_path / "none"), model="m", base_url=url)
        for text in (said, str(caught.value)):
            assert "environment" in text
            assert SECRET not in text

    def test_a_key_goes_only_to_the_host_it_is_meant_for(self) -> None:
        environ = {"OPENAI_API_KEY": f" {SECRET}\n", "EVALKIT_API_KEY": "other"}

        def key(url: str, **fields: Any) -> str | None:
            return EndpointSettings(url, "m", **fields).api_key(environ)

        assert key("https://api.openai.com/v1") == SECRET
        assert key("http://127.0.0.1:8000/v1") == SECRET
        assert key("https://openai.com.example/v1") == "other"
        assert key("https://api.moonshot.ai/v1") == "other"
        assert key("https://api.openai.com/v1", api_key_env="MINE") is None


class TestAddresses:
    @pytest.mark.parametrize(
        "url",
        ["http://[::1/v1", "http://[x]/v1", "ftp://h/v1", "h.example/v1", "http:///v1",
         "http://h:99999/v1", "http://h:port/v1", "http://h h/v1", "http://h/v1\n"],
    )  # fmt: skip
    def test_what_is_no_address_is_refused(self, url: str, tmp_path: Path) -> None:
        with pytest.raises(SettingsError, match="base URL"):
            resolve_endpoint(load(tmp_path), model="m", base_url=url)

    def test_the_usual_endings_are_cut(self, tmp_path: Path) -> None:
        for url in ("http://h:1/v1", "http://h:1/v1/", "http://h:1/v1/chat/completions"):
            found = resolve_endpoint(load(tmp_path), model="m", base_url=url)
            assert (found.base_url, found.name) == ("http://h:1/v1", "h")
        assert (
            resolve_endpoint(load(tmp_path), model="m", base_url="http://[::1]:1/v1").name == "::1"
        )

    def test_what_is_not_there_is_said(self, tmp_path: Path) -> None:
        settings = load(tmp_path, '[endpoints.a]\nbase_url = "http://h/v1"')
        with pytest.raises(SettingsError, match=r"known: a\)"):
            resolve_endpoint(settings, name="b")
        with pytest.raises(SettingsError, match="-m MODEL"):
            resolve_endpoint(settings, name="a")
        with pytest.raises(SettingsError, match="--base-url"):
            resolve_endpoint(settings, model="m")
