"""The items of the music catalogue: invented titles, artists and all other columns beside the vectors."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from music_world import GENRES, LANGUAGES, MISLABELLED_AS, MOODS, Chunk, World

FIRST_WEEK = np.datetime64("2024-01-01", "D")  # a Monday
# fmt: off
ADJECTIVES = (
    "Amber", "Blue", "Broken", "Burning", "Distant", "Electric", "Empty", "Endless", "Faded",
    "First", "Frozen", "Golden", "Hidden", "Hollow", "Last", "Little", "Lonely", "Midnight",
    "Northern", "Old", "Paper", "Quiet", "Restless", "Secret", "Silver", "Slow", "Southern",
    "Velvet", "Wild", "Winter",
)
NOUNS = (
    "Avenue", "Bloom", "Bridge", "Circle", "City", "Coast", "Dance", "Dawn", "Engine", "Field",
    "Fire", "Garden", "Harbour", "Heart", "Highway", "Horizon", "Hour", "Island", "Kingdom",
    "Letter", "Light", "Machine", "Mirror", "Moon", "Mountain", "Ocean", "Orchard", "Parade",
    "Rain", "River", "Road", "Room", "Season", "Shadow", "Signal", "Sky", "Station", "Stone",
    "Story", "Summer", "Thunder", "Tide", "Tower", "Train", "Valley", "Window",
)
FIRST_NAMES = (
    "Ada", "Bruno", "Carla", "Dimitri", "Elena", "Farid", "Greta", "Hugo", "Ines", "Jonas", "Kaori",
    "Leo", "Mara", "Nils", "Olga", "Pavel", "Quinn", "Rosa", "Samir", "Tilda", "Umberto", "Vera",
    "Wanda", "Yuki",
)
LAST_NAMES = (
    "Abbot", "Berg", "Castel", "Dorn", "Egan", "Falk", "Gray", "Holm", "Ito", "Jansen", "Keller",
    "Lund", "Marsh", "Novak", "Okafor", "Pires", "Quist", "Rossi", "Sato", "Thorn", "Ueda", "Vale",
    "Weiss", "Young",
)
# fmt: on
INITIALS = tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
ARTISTS = 300  # a cluster; first name, initial and last name make 14,976 different ones
VERSIONS = ("", " (Remaster)", " (Radio Edit)", " (Live)", " (Single Version)", " (Deluxe)")


def _draw_each(probabilities: np.ndarray, cluster: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw one category a row from its cluster's probabilities, by inverting their running sum."""
    running = np.cumsum(probabilities, axis=1)
    running[:, -1] = 1
    flat = (running + np.arange(len(running))[:, None]).ravel()
    found = np.searchsorted(flat, cluster + rng.random(len(cluster)), side="right")
    return np.minimum(found - cluster * probabilities.shape[1], probabilities.shape[1] - 1)


def _text(words: tuple[str, ...], codes: np.ndarray) -> pa.Array:
    return pa.array(words).take(pa.array(codes))


def _category(names: tuple[str, ...], codes: np.ndarray, missing: np.ndarray) -> pa.Array:
    codes = pa.array(codes.astype(np.int32), mask=missing)
    return pa.DictionaryArray.from_arrays(codes, pa.array(names))


def _artist_names(artist: np.ndarray) -> pa.Array:
    """Return artist 0, 1, 2, ... as 'Ada A. Abbot', 'Bruno A. Abbot', ..., last names slowest."""
    rest, first = np.divmod(artist, len(FIRST_NAMES))
    last, initial = np.divmod(rest, len(INITIALS))
    initials = pc.binary_join_element_wise(_text(INITIALS, initial), ".", "")
    return pc.binary_join_element_wise(_text(FIRST_NAMES, first), initials, _text(LAST_NAMES, last), " ")


def _titles(adjective: np.ndarray, noun: np.ndarray, other: np.ndarray, version: np.ndarray) -> pa.Array:
    """Return titles as 'Amber River Story (Live)'."""
    words = _text(ADJECTIVES, adjective), _text(NOUNS, noun), _text(NOUNS, other)
    return pc.binary_join_element_wise(pc.binary_join_element_wise(*words, " "), _text(VERSIONS, version), "")


def describe(world: World, chunk: Chunk, rng: np.random.Generator) -> dict[str, pa.Array]:
    """Return the items' columns; a near duplicate keeps its original's except version, week and preview."""
    m, copy, junk = len(chunk.cluster), chunk.copy, chunk.junk > 0
    genre = np.where(chunk.mislabelled, list(GENRES).index(MISLABELLED_AS), world.genre[chunk.cluster])
    artist = chunk.cluster * ARTISTS + np.minimum(rng.zipf(1.6, size=m), ARTISTS) - 1
    artist = np.where(junk, 0, artist[copy])
    adjective, noun, other = (rng.integers(0, len(w), m)[copy] for w in (ADJECTIVES, NOUNS, NOUNS))
    version = np.where(copy == np.arange(m), 0, rng.integers(1, len(VERSIONS), m))
    middle = np.array([year for _, year in GENRES.values()])[world.genre[chunk.cluster]]
    year = np.clip(np.round(rng.normal(middle, 8)), 1950, 2025).astype(np.int16)[copy]
    week = _draw_each(world.week, chunk.cluster, rng)
    number = pc.utf8_lpad(pa.array(chunk.first + np.arange(m)).cast(pa.string()), 9, "0")
    return {
        "title": pc.if_else(junk, "untitled", _titles(adjective, noun, other, version)),
        "artist": pc.if_else(junk, pa.scalar(None, pa.string()), _artist_names(artist)),
        "genre": _category(tuple(GENRES), genre, junk),
        "mood": _category(MOODS, chunk.mood, junk),
        "year": pa.array(year, mask=junk),
        "week_added": pa.array(FIRST_WEEK + 7 * week),
        "popularity": pa.array(np.round(100 * rng.beta(0.8, 6, m), 1) * ~junk),
        "language": _category(tuple(LANGUAGES), _draw_each(world.language, chunk.cluster, rng)[copy], junk),
        "preview": pc.binary_join_element_wise("https://music.example/preview/", number, ".mp3", ""),
    }
