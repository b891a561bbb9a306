"""Synthetic events, the same bytes for the same seed: three shapes, one JSON object a line."""

from dataclasses import dataclass
from pathlib import Path

import duckdb

SEED = 7
START_MS = 1_767_225_600_000  # 2026-01-01
SPAN_MS = 86_400_000


def uniform(salt):
    """SQL for a number in [0, 1) that depends on the row and `salt` alone."""
    return f"(hash(i * 1000 + {salt} + {SEED} * 1000003) / 18446744073709551616.0)"


def below(n, salt):
    return f"CAST(floor({uniform(salt)} * {n}) AS BIGINT)"


def one_of(values, salt):
    listed = ", ".join(f"'{value}'" for value in values)
    return f"[{listed}][1 + {below(len(values), salt)}]"


def skewed(n, salt):
    """Few are many: the cube of a uniform number."""
    return f"CAST(floor({n} * pow({uniform(salt)}, 3)) AS BIGINT)"


REGIONS = ["eu-west", "eu-central", "us-east", "us-west", "ap-south", "sa-east"]
TAGS = ["news", "sport", "music", "food", "travel", "work", "family", "science", "games", "art"]
HOSTS = ["news", "mail", "maps", "shop", "google", "forum", "video", "photos", "games", "weather", "travel", "music", "cars", "jobs", "books", "sport"]
WORDS = ["stream", "table", "river", "window", "coffee", "morning", "light", "quiet", "answer", "question", "market", "garden"]


@dataclass(frozen=True)
class Shape:
    """A kind of event: `fields` are (name, SQL that makes it, type), `time` and `order` are column names."""

    name: str
    fields: list
    time: str
    order: list


def at(n_rows):
    return f"CAST({START_MS} + i * ({SPAN_MS} / {n_rows}) AS BIGINT)"


def shop(n_rows):
    fields = [
        ("timestamp", at(n_rows), "time"),
        ("product_id", f"printf('p%04d', {skewed(500, 1)})", "text"),
        ("price", f"round({uniform(2)} * 400 + 1, 2)", "double"),
        ("quantity", f"1 + {below(4, 3)}", "integer"),
        ("user_id", f"printf('u%05d', {skewed(20000, 4)})", "text"),
        ("action_type", "CASE WHEN {0} < 0.7 THEN 'view' WHEN {0} < 0.9 THEN 'add_to_cart' ELSE 'purchase' END".format(uniform(5)), "text"),
        ("session_id", f"printf('s%016x', hash(i // 7 + {SEED}))", "text"),
        ("region", one_of(REGIONS, 6), "text"),
        ("user_type", one_of(["new", "returning", "member"], 7), "text"),
        ("category", one_of(["shoes", "books", "garden", "toys", "music", "kitchen"], 8), "text"),
        ("brand", f"printf('brand-%02d', {skewed(60, 9)})", "text"),
        ("device_type", one_of(["mobile", "desktop", "tablet"], 10), "text"),
    ]
    return Shape("shop", fields, "timestamp", ["user_id", "timestamp"])


def social(n_rows):
    text = " || ' ' || ".join(one_of(WORDS, 30 + word) for word in range(29))
    author = (
        f"{{'id': {skewed(100000, 20)}, 'name': printf('user_%d', {skewed(100000, 20)}), "
        f"'country': {one_of(['DE', 'US', 'IN', 'BR', 'JP', 'FR', 'NG', 'GB'], 21)}, 'followers': {skewed(1000000, 22)}}}"
    )
    fields = [
        ("id", "i", "integer"),
        ("at", at(n_rows), "time"),
        ("kind", one_of(["post", "reply", "repost", "like"], 23), "text"),
        ("author", author, [("id", "integer"), ("name", "text"), ("country", "text"), ("followers", "integer")]),
        ("body", text, "text"),
        ("tags", f"[{', '.join(one_of(TAGS, 50 + tag) for tag in range(3))}][1:1 + {below(3, 24)}]", "texts"),
        ("counts", f"{{'likes': {skewed(5000, 25)}, 'shares': {skewed(500, 26)}, 'replies': {skewed(200, 27)}}}", [("likes", "integer"), ("shares", "integer"), ("replies", "integer")]),
        ("language", one_of(["en", "de", "pt", "hi", "ja", "fr"], 28), "text"),
        ("client", f"printf('app/%d.%d', 1 + {below(9, 29)}, {below(20, 19)})", "text"),
    ]
    return Shape("social", fields, "at", ["kind", "at"])


def wide(n_rows):
    fields = [("at", at(n_rows), "time")]
    fields += [(f"n{k:02}", below(10 ** (1 + k % 9), 100 + k), "integer") for k in range(33)]
    fields += [(f"x{k:02}", f"round({uniform(200 + k)} * 1000, 3)", "double") for k in range(33)]
    fields += [(f"s{k:02}", f"printf('v%d', {skewed(10 ** (1 + k % 5), 300 + k)})", "text") for k in range(33)]
    return Shape("wide", fields, "at", ["s01", "at"])


def hits(n_rows):
    """Page views with the columns that five questions of ClickBench ask about, and some more."""
    user = skewed(n_rows // 6, 3)
    fields = [
        ("event_time", at(n_rows), "time"),
        ("watch_id", f"CAST(hash(i * 1000 + {SEED}) % 9007199254740991 AS BIGINT)", "integer"),
        ("counter_id", skewed(6000, 1), "integer"),
        # A user has one region.
        ("region_id", f"CAST(floor(9000 * pow(hash({user}) / 18446744073709551616.0, 3)) AS BIGINT)", "integer"),
        ("user_id", f"CAST(hash({user}) % 9007199254740991 AS BIGINT)", "integer"),
        ("adv_engine_id", f"CASE WHEN {uniform(4)} < 0.006 THEN 1 + {below(60, 5)} ELSE 0 END", "integer"),
        ("resolution_width", "[0, 1024, 1280, 1366, 1440, 1638, 1920, 1996][1 + {}]".format(below(8, 6)), "integer"),
        ("search_phrase", f"CASE WHEN {uniform(7)} < 0.13 THEN printf('%s %s %d', {one_of(WORDS, 8)}, {one_of(WORDS, 9)}, {skewed(n_rows // 40, 10)}) ELSE '' END", "text"),
        ("url", f"printf('https://%s.example/%s/%d', {one_of(HOSTS, 11)}, {one_of(WORDS, 12)}, {skewed(n_rows // 8, 13)})", "text"),
        ("mobile_phone_model", f"CASE WHEN {uniform(14)} < 0.1 THEN printf('model %d', {skewed(160, 15)}) ELSE '' END", "text"),
    ]
    return Shape("hits", fields, "event_time", ["counter_id", "event_time"])


SHAPES = {"shop": shop, "social": social, "wide": wide, "hits": hits}


def written(shape, n_rows, folder: Path) -> Path:
    """The file with `n_rows` events; made when it is not there."""
    path = folder / f"{shape.name}-{n_rows}-{SEED}.ndjson"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".part")
        columns = ", ".join(f"{sql} AS {name}" for name, sql, _ in shape.fields)
        duckdb.sql(f"COPY (SELECT {columns} FROM range({n_rows}) r(i)) TO '{unfinished}' (FORMAT json)")
        unfinished.rename(path)
    return path
