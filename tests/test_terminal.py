"""What the command line shows while it works."""

import re
import time
from dataclasses import replace

import pytest

from explorer.model.run import Run, RunParameters
from explorer.terminal import bar, print_runs, told_bar
from explorer.terminal_audit import print_audit


def test_a_bar_pulses_beside_what_is_done_until_it_is_moved(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in {"FORCE_COLOR": "1", "TERM": "xterm", "COLUMNS": "80"}.items():
        monkeypatch.setenv(name, value)
    with bar("finding clusters") as advance:
        time.sleep(0.3)
        pulsing = capsys.readouterr().err
        advance("reading", 0.5, 12.0)
        time.sleep(0.3)
        moved = capsys.readouterr().err
    assert "finding clusters" in pulsing
    assert "%" not in pulsing
    assert "50%" in moved
    assert "about 12 s left" in moved


def test_a_bar_that_is_told_shares_estimates_what_is_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in {"FORCE_COLOR": "1", "TERM": "xterm", "COLUMNS": "80"}.items():
        monkeypatch.setenv(name, value)
    with told_bar("reading songs.npy") as told:
        began = time.monotonic()
        told(0.0)
        time.sleep(0.5)
        told(0.25)
        quarter = time.monotonic() - began
        time.sleep(0.3)
        shown = capsys.readouterr().err
    assert "reading songs.npy" in shown
    assert "25%" in shown
    left = re.findall(r"about (\d+) s left", shown)
    assert int(left[-1]) == pytest.approx(3 * quarter, abs=1)


def test_without_a_terminal_nothing_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    with bar("finding clusters") as advance:
        advance("reading", 0.5, None)
    assert capsys.readouterr().err == ""


def test_names_are_shown_as_they_are_whatever_brackets_and_colons_they_have(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    hostile = "[/][b]:smile:"
    run = replace(Run.new("d", "h", 10, RunParameters()), name=hostile)
    print_runs([run], {"d": hostile})
    assert capsys.readouterr().out.count(hostile) == 2
    told = {"columns": [hostile], "clusters": [], "findings": []}
    print_audit(told)
    assert f"{hostile} pure" in capsys.readouterr().out
    for name, value in {"FORCE_COLOR": "1", "TERM": "xterm", "COLUMNS": "80"}.items():
        monkeypatch.setenv(name, value)
    with bar("[/] songs"):
        time.sleep(0.3)
        assert "[/] songs" in capsys.readouterr().err


def test_an_audit_tells_shares_as_the_page_does(capsys: pytest.CaptureFixture[str]) -> None:
    columns = [{"purity": 0.998, "dominant": "jazz"}, {"purity": 0.0, "dominant": None}]
    one = {"severity": "none", "cluster": 0, "size": 5_000, "duplicates": 0.0004, "agreement": 0.9999}
    told = {"columns": ["genre", "mood"], "clusters": [one | {"stability": None, "columns": columns}]}
    scores = dict.fromkeys(("ari", "ami", "homogeneity"), 0.5)
    scores["ari"] = -0.0002
    scores |= {f"{name}_clustered": 0.5 for name in scores} | {"rows": 5_000, "clustered_share": 0.9998}
    print_audit(told | {"findings": [], "scores": {"genre": scores}})
    text = capsys.readouterr().out
    assert text.splitlines()[1].split() == ["none", "0", "5,000", "<0.1%", ">99%", "–", ">99%", "–"]
    assert "Nothing stands out." in text
    assert "by genre: ari 0.000, ami 0.500, homogeneity 0.500 of 5,000 items" in text
    assert "of the >99.9% that are in clusters" in text
    print_audit({"columns": ["genre"], "clusters": [], "findings": []})
    text = capsys.readouterr().out
    assert "The map has no clusters to audit: find smaller ones by a lower min_cluster_size." in text
    assert "Nothing stands out" not in text
