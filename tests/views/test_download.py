"""Buttons whose press makes something: a file for the browser, again at each press, or a word why not."""

import asyncio
import io
from collections.abc import Awaitable
from concurrent.futures import ThreadPoolExecutor

import pytest

from explorer.model.errors import InputError
from explorer.views import download, telling
from explorer.views.download import CANCEL, Download


def make_button(make: object) -> tuple[Download, list[str | None]]:
    """A button, and what a browser will have been sent by it."""
    button, sent = Download(label="CSV", callback=make, filename="a.csv"), []
    button.param.watch(lambda event: sent.append(event.new), ["data"])
    return button, sent


def work(made: Awaitable[None]) -> None:
    # On a thread of its own: the browser's tests leave a running loop on this one.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, made).result()


def test_each_press_sends_the_file_once_and_as_something_new() -> None:
    async def make() -> io.BytesIO:
        return io.BytesIO(b"the same")

    button, sent = make_button(make)
    for _ in range(2):
        work(button._async_sync_data())
    first, second = sent
    assert first != second
    assert first.startswith("data:text/plain;")
    assert second.startswith("data:text/plain;")
    assert first.endswith(";base64,dGhlIHNhbWU=")
    assert second.endswith(";base64,dGhlIHNhbWU=")


def test_what_cannot_be_made_is_told_and_nothing_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    async def make() -> io.BytesIO:
        raise InputError("There is nothing to write.")

    said: list[str] = []
    monkeypatch.setattr(telling, "tell", said.append)
    button, sent = make_button(make)
    work(button._async_sync_data())
    assert said == ["There is nothing to write."]
    assert sent == []


def test_a_press_while_it_is_made_cancels_it_once_the_button_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[int] = []

    async def make() -> io.BytesIO:
        begun.append(1)
        await asyncio.sleep(60)
        raise AssertionError("it was not cancelled")

    async def press() -> None:
        first = asyncio.create_task(button._async_sync_data())
        await asyncio.sleep(0)
        await button._async_sync_data()  # the second half of a double-click
        while button.label != CANCEL:
            await asyncio.sleep(0.01)
        await button._async_sync_data()
        await first

    monkeypatch.setattr(download, "MOMENT", 0.05)
    button, sent = make_button(make)
    work(press())
    assert (begun, sent, button.label) == ([1], [], "CSV")
