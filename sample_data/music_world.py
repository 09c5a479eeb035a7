"""The geometry of the music catalogue: where clusters lie, which rows are drawn where, and their vectors."""

from dataclasses import dataclass

import numpy as np

N_WEEKS = 104
MEMBER_SHARE = 0.02  # of rows, in near-duplicate groups
JUNK_SHARE = 0.01
JUNK_KINDS = ("", "noise", "silence", "fallback")  # by code; 0 is no junk

# Genre: family, the middle of its years.
GENRES = {
    "ambient": ("electronic", 2005), "house": ("electronic", 2008), "techno": ("electronic", 2010),
    "drum and bass": ("electronic", 2003), "jungle": ("electronic", 1999),
    "rock": ("guitar", 1988), "metal": ("guitar", 1995), "indie": ("guitar", 2009), "punk": ("guitar", 1984),
    "hip hop": ("rhythm", 2012), "soul": ("rhythm", 1976), "reggae": ("rhythm", 1982),
    "folk": ("acoustic", 1990), "country": ("acoustic", 1986), "jazz": ("acoustic", 1968),
    "classical": ("acoustic", 1973),
}  # fmt: skip
MOODS = ("calm", "dreamy", "happy", "energetic", "dark", "sad", "romantic", "aggressive")
LANGUAGES = {"English": 0.44, "Spanish": 0.14, "French": 0.1, "German": 0.08, "Portuguese": 0.08,
             "Japanese": 0.07, "Korean": 0.05, "instrumental": 0.04}  # fmt: skip

# The faulty clusters take places 3 to 7 of the heavy tail: big enough to be found, small enough to be missed.
MIXED = ("drum and bass", "jungle")
MISLABELLED, MISLABELLED_AS, MISLABELLED_FROM = "ambient", "metal", 0.8
MISSING, MISSING_LANGUAGE = "folk", "Spanish"
THINNING = "reggae"
FAULTY_BY_SIZE = (MIXED[0], MISLABELLED, MIXED[1], MISSING, THINNING)


@dataclass(frozen=True)
class World:
    """What every chunk is drawn from; C clusters in D dimensions.

    A point of cluster c is ``centre[c] + f(u) @ basis[c] + noise`` with heavy-tailed u in R^4 and
    ``f(u) = (u, bend * sin(turn * u + phase), bend * cos(turn * (u + next u)))``: a patch of 2 to 4
    dimensions, curved in 8 more. The scale of distances: families 4, genres 3, clusters 2, patches 1,
    noise 0.3, near duplicates 0.03.
    """

    dims: int
    faults: bool
    genre: np.ndarray  # int (C,), index into GENRES
    share: np.ndarray  # float (C,), sums to 1
    centre: np.ndarray  # float32 (C, D)
    basis: np.ndarray  # float32 (C, 12, D), orthonormal rows
    extent: np.ndarray  # float32 (C, 4), 0 beyond the patch's own dimensions
    bend: np.ndarray  # float32 (C, 4)
    turn: np.ndarray  # float32 (C, 4)
    phase: np.ndarray  # float32 (C, 4)
    mood_slope: np.ndarray  # float32 (C, 4, moods): where on the patch which mood is likely
    mood_bias: np.ndarray  # float32 (C, moods)
    mood_shift: np.ndarray  # float32 (moods, D): directions shared by all genres
    language: np.ndarray  # float (C, languages), rows sum to 1
    week: np.ndarray  # float (C, N_WEEKS), rows sum to 1
    fallback: np.ndarray  # float32 (D,), what a failing encoder returns

    def first_cluster(self, genre: str) -> int:
        """Return the first cluster of a genre: the faulty one where the genre has a fault."""
        return int(np.flatnonzero(self.genre == list(GENRES).index(genre))[0])

    def mixed_clusters(self) -> list[int]:
        """Return the two clusters that lie on one patch."""
        return [self.first_cluster(genre) for genre in MIXED]


def make_world(dims: int, seed: int, faults: bool) -> World:
    """Draw the world: families of genres of clusters, each level closer together than the one above."""
    rng = np.random.default_rng([seed, dims])
    genre = np.repeat(np.arange(len(GENRES)), [1 if name in MIXED else 3 for name in GENRES])
    n = len(genre)
    directions = rng.normal(size=(4 + len(GENRES) + n + len(MOODS) + 1, dims)) / np.sqrt(dims)
    family, own, cluster, mood, (fallback,) = np.split(directions, np.cumsum([4, len(GENRES), n, len(MOODS)]))
    families = {name: i for i, name in enumerate(dict.fromkeys(f for f, _ in GENRES.values()))}
    of_family = np.array([families[f] for f, _ in GENRES.values()])[genre]
    on_patch = np.arange(4) < rng.integers(2, 5, (n, 1))
    taste = np.exp(0.3 * rng.normal(size=(len(GENRES), len(LANGUAGES))))
    language = taste * list(LANGUAGES.values())
    world = World(
        dims=dims,
        faults=faults,
        genre=genre,
        share=_shares(genre, rng, faults),
        centre=(4 * family[of_family] + 3 * own[genre] + 2 * cluster).astype(np.float32),
        basis=np.linalg.qr(rng.normal(size=(n, dims, 12)))[0].transpose(0, 2, 1).astype(np.float32),
        extent=(rng.uniform(0.35, 0.7, (n, 4)) * on_patch).astype(np.float32),
        bend=rng.uniform(0.2, 0.6, (n, 4)).astype(np.float32),
        turn=rng.uniform(0.8, 2.0, (n, 4)).astype(np.float32),
        phase=rng.uniform(0, 2 * np.pi, (n, 4)).astype(np.float32),
        mood_slope=rng.normal(scale=1.5, size=(n, 4, len(MOODS))).astype(np.float32) * on_patch[:, :, None],
        mood_bias=rng.normal(size=(len(GENRES), len(MOODS))).astype(np.float32)[genre],
        mood_shift=(0.3 * mood).astype(np.float32),
        language=(language / language.sum(1, keepdims=True))[genre],
        week=np.full((n, N_WEEKS), 1 / N_WEEKS),
        fallback=(5 * fallback).astype(np.float32),
    )
    if faults:
        _plant(world)
    return world


def _shares(genre: np.ndarray, rng: np.random.Generator, faults: bool) -> np.ndarray:
    """Return the clusters' shares: Zipf's law with the faulty clusters in their places, or all alike."""
    if not faults:
        return np.full(len(genre), 1 / len(genre))
    faulty = [int(np.flatnonzero(genre == list(GENRES).index(name))[0]) for name in FAULTY_BY_SIZE]
    others = rng.permutation(np.setdiff1d(np.arange(len(genre)), faulty))
    by_size = np.concatenate([others[:2], faulty, others[2:]])
    share = np.empty(len(genre))
    share[by_size] = 1 / np.arange(1, len(genre) + 1)
    return share / share.sum()


def _plant(world: World) -> None:
    """Plant the faults of whole clusters: two on one patch, a language missing, weeks thinning out.

    The mislabelled region gets a patch of two dimensions, longer than wide: a region of a map too.
    """
    kept, moved = world.mixed_clusters()
    places = (world.centre, world.basis, world.extent, world.bend, world.turn, world.phase)
    for table in (*places, world.mood_slope, world.mood_bias):
        table[moved] = table[kept]
    language = world.language[world.first_cluster(MISSING)]
    language[list(LANGUAGES).index(MISSING_LANGUAGE)] = 0
    language /= language.sum()
    long = world.first_cluster(MISLABELLED)
    world.extent[long], world.mood_slope[long, 2:] = (1, 0.4, 0, 0), 0
    week = np.exp(-3 * np.arange(N_WEEKS) / N_WEEKS)
    world.week[world.first_cluster(THINNING)] = week / week.sum()


@dataclass(frozen=True)
class Chunk:
    """The drawn facts of m consecutive rows, before they become text and vectors."""

    first: int  # row id of its first row
    cluster: np.ndarray  # int (m,)
    place: np.ndarray  # float32 (m, 4), u in units of the patch's extent
    noise: np.ndarray  # float32 (m, D)
    mood: np.ndarray  # int (m,)
    mislabelled: np.ndarray  # bool (m,)
    group: np.ndarray  # int (m,), -1 or the near-duplicate group's number in this chunk
    junk: np.ndarray  # int (m,), 0 or the kind of junk
    copy: np.ndarray  # int (m,), the row in this chunk it is a near duplicate of, or itself


def draw_chunk(world: World, first: int, m: int, rng: np.random.Generator) -> Chunk:
    """Draw m rows. A near duplicate takes its original's cluster, place, noise and mood."""
    group, junk, copy = _odd_rows(m, rng, world.faults)
    cluster = rng.choice(len(world.share), size=m, p=world.share)[copy]
    tail = np.sqrt(rng.chisquare(4, size=(m, 1)) / 4)
    place = np.clip(rng.normal(size=(m, 4)) / tail, -6, 6).astype(np.float32)[copy]  # Student's t, 4 degrees
    noise = 0.02 * rng.standard_normal((m, world.dims), dtype=np.float32)
    noise = np.where((copy == np.arange(m))[:, None], noise, noise[copy] + 0.1 * noise)
    likely = world.mood_bias[cluster] + np.einsum("mk,mkj->mj", place, world.mood_slope[cluster])
    mood = np.argmax(likely + rng.gumbel(size=likely.shape), axis=1)[copy]
    there = (cluster == world.first_cluster(MISLABELLED)) & (place[:, 0] > MISLABELLED_FROM) & (junk == 0)
    return Chunk(first, cluster, place, noise, mood, there & world.faults, group, junk, copy)


def _odd_rows(m: int, rng: np.random.Generator, faults: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Choose junk rows and near-duplicate groups, 2 to 12 members each, small groups the most common."""
    order = rng.permutation(m)
    n_junk, n_members = round(JUNK_SHARE * m), round(MEMBER_SHARE * m)
    group, junk, copy = np.full(m, -1), np.zeros(m, int), np.arange(m)
    if not faults:
        return group, junk, copy
    junk[order[:n_junk]] = rng.integers(1, len(JUNK_KINDS), n_junk)
    ends = np.cumsum(np.minimum(1 + rng.geometric(0.45, size=n_members), 12))
    for number, members in enumerate(np.split(order[n_junk:], ends[ends <= n_members])[:-1]):
        group[members], copy[members] = number, members[0]
    return group, junk, copy


def embed(world: World, chunk: Chunk) -> np.ndarray:
    """Return the chunk's vectors, float32 (m, D), on a grid of 2^-12 so that no library's last bit shows."""
    u = world.extent[chunk.cluster] * chunk.place
    bend, turn, phase = (table[chunk.cluster] for table in (world.bend, world.turn, world.phase))
    after = u + np.roll(u, -1, axis=1)
    curved = np.hstack([u, bend * np.sin(turn * u + phase), bend * np.cos(turn * after)])
    vectors = world.centre[chunk.cluster] + world.mood_shift[chunk.mood] + chunk.noise
    for cluster in range(len(world.share)):
        rows = np.flatnonzero(chunk.cluster == cluster)
        vectors[rows] += curved[rows] @ world.basis[cluster]
    for kind, middle, spread in ((1, 0, 30), (2, 0, 1), (3, world.fallback, 1)):
        rows = np.flatnonzero(chunk.junk == kind)
        vectors[rows] = middle + spread * chunk.noise[rows]
    return np.round(vectors * 4096) / np.float32(4096)
