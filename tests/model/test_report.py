"""The report of an audit: all of it in one file, whatever the data are called, and the same each time."""

import base64
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from html.parser import HTMLParser

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from explorer.model.audit import Audit, audit
from explorer.model.audited import ColumnOfCluster
from explorer.model.coverage import coverage
from explorer.model.drift import Drift, drift, times
from explorer.model.drift_findings import of_drift
from explorer.model.errors import InputError
from explorer.model.examples import examples, typical
from explorer.model.findings import Finding
from explorer.model.map_png import COLOURS, STEPS, layer, uri
from explorer.model.marks import Mark, Marks
from explorer.model.measures import OF_COLUMN, digits
from explorer.model.projection import Viewport
from explorer.model.report import report_of
from explorer.model.report_words import summary
from explorer.model.run import Run, RunParameters
from explorer.model.runner import Runner
from explorer.model.severity import Severity
from explorer.model.workspace import Workspace

HOSTILE = "<script>alert('x')</script>"
COLUMN = 'genre"><img src=x onerror=alert(1)>'
THROWN, THIN = 2, 3


def picture() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (40, 20), "#204060").save(buffer, "PNG")
    return buffer.getvalue()


@dataclass(frozen=True)
class Made:
    """Five blobs of hostile names, of which one is mixed and one comes in the first weeks only."""

    workspace: Workspace
    run: Run
    found: Audit
    by_time: Drift

    def report(self, **changes: object) -> str:
        return report_of(self.workspace, replace(self.found, **changes), drift=self.by_time)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, blobs) -> Iterator[Made]:
    folder = tmp_path_factory.mktemp("report")
    vectors, blob = blobs
    label = np.array([HOSTILE, "jazz", "punk", "soul", "rock"])[blob]
    label[np.flatnonzero(blob == THROWN)[::2]] = "metal & <b>bold</b>"
    weeks = np.random.default_rng(0).integers(0, np.where(blob == THIN, 5, 20))
    table = {
        "v": pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), vectors.shape[1]),
        "title": [f"{HOSTILE} {row}" for row in range(len(blob))],
        COLUMN: label,
        "cover": [picture()] * len(blob),
        "added": pa.array(np.datetime64("2024-01-01") + 7 * weeks),
    }
    pq.write_table(pa.table(table), folder / "a<script>&.parquet")
    with Workspace(folder / "ws") as workspace, Runner(workspace) as runner:
        dataset = workspace.add_dataset(folder / "a<script>&.parquet")
        run = runner.wait(runner.start(dataset, RunParameters(n_epochs=150)).id, timeout=240)
        run = run.with_(name=HOSTILE)
        workspace.save_run(run)
        found = audit(workspace, run, [COLUMN], truth=[COLUMN])
        by_time = drift(found.labels, times(dataset.items, "added"), "added")
        Marks(workspace, run.id).set(found.findings[0].key, "accepted", f"known {HOSTILE}")
        yield Made(workspace, run, found, by_time)


class Page(HTMLParser):
    """The elements, their attributes and the words of a file."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def page(made: Made) -> Page:
    return Page(made.report())


def test_names_are_text_wherever_they_stand(page: Page) -> None:
    assert not page.all("script")
    assert all(source["src"].startswith("data:image/png;base64,") for source in page.all("img"))
    assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)
    for words in (HOSTILE, f"known {HOSTILE}", "a<script>&", 'genre"><img src=x', "metal & <b>bold</b>"):
        assert words in page.words


def test_it_needs_nothing_else(made: Made, page: Page) -> None:
    text = made.report()
    assert not re.search(r"(https?:)?//\w", re.sub(r"base64,[\w+/=]+", "", text))
    ids = {attributes["id"] for _, attributes in page.elements if "id" in attributes}
    named = {value for _, attributes in page.elements for name, value in attributes.items() if name == "href"}
    assert all(value.startswith("data:image/png") or value[1:] in ids for value in named)
    (policy,) = (one["content"] for one in page.all("meta") if "http-equiv" in one)
    assert policy.startswith("default-src 'none'")
    assert all(one["alt"] for one in page.all("img"))
    assert all(one["aria-label"] for one in page.all("svg"))
    assert len(text) < 1_000_000


def test_all_of_the_audit_is_told(made: Made, page: Page) -> None:
    found = made.found.joined(of_drift(made.by_time))
    for one in found.findings:
        assert one.sentence in page.words
        assert {"class": f"finding {one.severity.label}", "id": f"finding-{one.key}"} in page.all("article")
    told = [one["id"] for one in page.all("article")]
    assert told == [f"finding-{one.key}" for one in found.findings]
    rows = [one["id"] for one in page.all("tr") if one.get("id", "").startswith("cluster-")]
    assert rows == [f"cluster-{one.cluster}" for one in found.clusters]
    for words in (made.run.data_hash, made.run.id, "n_neighbors", "numpy", "accepted", made.by_time.sentence):
        assert words in page.words
    assert len(page.all("polyline")) == len(found.clusters)
    assert "adjusted Rand index" in page.words
    assert "No other run differs from this one by the seed alone" in page.words


def test_the_summary_counts_clusters_that_have_something_open(made: Made) -> None:
    found = made.found
    high = {one.cluster for one in found.clusters if one.severity is Severity.HIGH}
    assert summary(found, {}).startswith("Of 5 clusters 1 asks for a look now")
    done = {one.key: Mark("fixed", "", "") for one in found.findings if one.severity is Severity.HIGH}
    assert len(high) == 1
    assert done
    told = summary(found, done)
    assert told.startswith("Of 5 clusters 0 ask for a look now")
    assert "there is 1 finding, which is accepted or fixed, and" in told
    later = {key: Mark("to do", "", "") for key in done}
    assert summary(found, later).startswith("Of 5 clusters 1 asks for a look now")


def test_what_changes_over_time_is_ranked_among_the_rest(made: Made) -> None:
    found = made.found.joined(of_drift(made.by_time))
    thinning = next(one for one in found.findings if one.kind == "thinning")
    assert thinning.severity == max(one.severity for one in found.findings)
    assert len(thinning.rows) == 120
    severities = [one.severity for one in found.findings]
    assert severities == sorted(severities, reverse=True)
    assert len(found.findings) > len(made.found.findings)
    again = found.joined(of_drift(made.by_time))
    assert [one.key for one in again.findings] == [one.key for one in found.findings]
    judged = next(one for one in found.clusters if one.cluster == thinning.cluster)
    assert judged.severity == thinning.severity
    with pytest.raises(InputError, match="other clusters"):
        made.report(labels=made.found.labels[::-1])


def test_a_batch_is_told_with_its_regions_and_a_picture(made: Made) -> None:
    labels, name = made.found.labels, f"{HOSTILE} batch"
    embedding = np.asarray(made.workspace.embedding(made.run.id))
    batch = (np.arange(len(labels)) % 2 == 0) & (labels != 0)
    found = coverage(embedding, batch, name, labels)
    page = Page(report_of(made.workspace, made.found, coverage=found))
    regions = (*found.gaps, *found.surpluses)
    assert found.gaps[0].cluster == 0
    assert all(one.sentence in page.words for one in (found, *regions))
    assert name in page.words
    assert not page.all("script")
    (picture,) = (one for one in page.all("img") if one.get("class") == "difference")
    assert name in picture["alt"]
    content = base64.b64decode(picture["src"].partition(",")[2])
    pixels = np.asarray(Image.open(io.BytesIO(content)).convert("RGBA"))[::-1][1::3, 1::3].astype(int)
    marked = found.difference.marked
    assert (pixels[marked < 0][:, 2] > pixels[marked < 0][:, 0]).all(), "blue is lacking"
    points = found.difference.batch + found.difference.reference
    np.testing.assert_array_equal(pixels[..., 3][points > 0] > 0, True)
    elsewhere = replace(made.found, labels=labels[::-1])
    with pytest.raises(InputError, match="The coverage is of other clusters"):
        report_of(made.workspace, elsewhere, coverage=found)
    unknown = replace(found, labels=labels[:0])
    assert 'id="coverage"' in report_of(made.workspace, elsewhere, coverage=unknown)


def test_the_same_audit_makes_the_same_text_but_for_the_date(made: Made) -> None:
    first, second = (re.sub(r"<time>.*?</time>", "", made.report()) for _ in range(2))
    assert first == second


def test_without_findings_or_noise_it_says_so(made: Made) -> None:
    calm = replace(made.found, findings=(), labels=np.maximum(made.found.labels, 0), scores={})
    text = report_of(made.workspace, calm)
    assert "Nothing stands out in 5 clusters" in text
    assert "<polyline" not in text
    assert "adjusted Rand index" not in text


def test_one_cluster_is_told_as_one_and_none_as_none(made: Made) -> None:
    found = replace(made.found, findings=(), scores={})
    alone = replace(found, labels=np.zeros_like(found.labels), measured=found.measured[:1])
    assert "coloured by cluster, with 1 cluster in" in report_of(made.workspace, alone).lower()
    nothing = replace(found, labels=np.full_like(found.labels, -1), measured=())
    said = "The map has no clusters to audit: find smaller ones by a lower min_cluster_size."
    assert summary(nothing, {}) == f"{said} 100% of the {made.run.n:,} items are in no cluster."
    assert "Nothing stands out" not in report_of(made.workspace, nothing)


def test_what_no_item_has_a_value_of_has_no_purity() -> None:
    empty = ColumnOfCluster("x", 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, None, (), (), ())
    assert [one.written(empty) for one in OF_COLUMN] == ["–", "–", "–", "not tested"]
    one = replace(empty, purity=0.5, effective=2.0, p=0.25, dominant="a")
    assert [measure.written(one) for measure in OF_COLUMN] == ["50%", "0.00", "2.0", "0.25"]
    assert OF_COLUMN[0].usual([empty, one]) == "50%"


def test_hardly_below_nothing_is_written_as_nothing() -> None:
    assert [digits(value) for value in (-0.004, 0.0, -0.006, 0.995)] == ["0.00", "0.00", "-0.01", "0.99"]


def test_progress_ends_the_work(made: Made) -> None:
    shares: list[float] = []
    report_of(made.workspace, made.found, progress=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1

    def stop(share: float) -> None:
        if share > 0.3:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        report_of(made.workspace, made.found, progress=stop)


def test_examples_are_items_of_the_finding_with_what_they_are_called(made: Made) -> None:
    dataset = made.workspace.dataset(made.run.dataset_id)
    shown = examples(dataset, made.found.findings, made.found.columns)
    for one, some in zip(made.found.findings, shown, strict=True):
        rows = [item.row for item in some.items]
        assert set(rows) <= set(one.rows.tolist())
        assert len(set(rows)) == len(rows) == min(5, len(one.rows))
        assert some.columns[:2] == ("title", COLUMN)
        assert [item.cells[0] for item in some.items] == [f"{HOSTILE} {row}" for row in rows]
        assert some.has_pictures
        np.testing.assert_array_equal(typical(dataset.vectors, one), rows)
    mixed = next(one for one in made.found.findings if one.kind == "mixed")
    groups = np.repeat(np.arange(len(mixed.rows) // 3), 3).astype(np.int32)
    pairs = typical(dataset.vectors, replace(mixed, rows=mixed.rows[: len(groups)], groups=groups))
    np.testing.assert_array_equal(pairs, mixed.rows[[0, 1, 3, 4, 6, 7]])


@pytest.mark.parametrize(
    ("groups", "shown"), [([0, 1, 1, 2, 3, 3, 3, 4], [11, 12, 14, 15]), ([0, 1, 2], [10, 11, 12])]
)
def test_pairs_of_duplicates_are_of_one_group_though_a_cluster_has_parts_of_some(
    groups: list[int], shown: list[int]
) -> None:
    rows, vectors = np.arange(10, 10 + len(groups)), np.eye(20, 4, dtype=np.float32)
    finding = Finding("duplicates", Severity.HIGH, "", rows, 0, groups=np.array(groups, np.int32))
    assert typical(vectors, finding).tolist() == shown


def test_a_map_png_has_each_point_in_its_place_and_colour() -> None:
    points = np.array([[0.5, 0.5], [2.5, 1.5], [2.5, 1.5], [9, 9]], np.float32)
    viewport = Viewport(0, 3, 0, 2, 3, 2)
    above = layer(points[1:], viewport, COLOURS, np.array([1, 0, 0], np.int32), faintest=0.2, strongest=1.0)
    content = uri([layer(points, viewport, ("#808080",)), above])
    image = Image.open(io.BytesIO(base64.b64decode(content.partition(",")[2])))
    assert (image.mode, image.size) == ("P", (3, 2))
    pixels = np.asarray(image.convert("RGBA"))
    assert pixels[0, 2].tolist() == [*bytes.fromhex(COLOURS[1][1:]), 255]
    assert pixels[1, 0, :3].tolist() == [128, 128, 128]
    assert 0 < pixels[1, 0, 3] < 255
    assert (pixels[..., 3] > 0).sum() == 2
    spread = layer(points[:1], viewport, ("#808080",), radius=1)
    assert (spread.ink > 0).tolist() == [[True, True, False], [True, False, False]]
    assert spread.ink.max() <= STEPS
