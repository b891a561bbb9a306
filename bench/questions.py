"""The same questions in each engine's own words. A question an engine cannot answer is not in its column."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Question:
    """`sql` serves every engine that `others` does not name; None there: the engine has no such function."""

    name: str
    sql: str
    others: dict = field(default_factory=dict)

    def of(self, engine):
        return self.others.get(engine, self.sql)


FUNNEL = "SELECT steps, count(*) FROM (SELECT user_id, {} AS steps FROM shop GROUP BY user_id) AS users GROUP BY steps"

SHOP = [
    Question("count by action", "SELECT action_type, count(*) FROM shop GROUP BY action_type"),
    Question(
        "revenue by category",
        "SELECT category, sum(price * quantity) AS revenue FROM shop WHERE action_type = 'purchase' GROUP BY category ORDER BY revenue DESC",
    ),
    Question(
        "top products",
        "SELECT product_id, count(*) AS n FROM shop WHERE action_type = 'view' GROUP BY product_id ORDER BY n DESC, product_id LIMIT 10",
    ),
    Question(
        "users by region",
        "SELECT region, approx_distinct(user_id) FROM shop GROUP BY region",
        {
            "chdb": "SELECT region, uniq(user_id) FROM shop GROUP BY region",
            "duckdb": "SELECT region, approx_count_distinct(user_id) FROM shop GROUP BY region",
        },
    ),
    Question(
        "events by minute",
        "SELECT date_trunc('minute', timestamp) AS minute, count(*) FROM shop GROUP BY minute ORDER BY minute DESC LIMIT 60",
    ),
    Question(
        "funnel",
        FUNNEL.format("window_funnel(INTERVAL '1 hour', timestamp, action_type = 'view', action_type = 'add_to_cart', action_type = 'purchase')"),
        {
            "chdb": FUNNEL.format("windowFunnel(3600000)(toUnixTimestamp64Milli(timestamp)::UInt64, action_type = 'view', action_type = 'add_to_cart', action_type = 'purchase')"),
            "duckdb": None,
        },
    ),
]

SOCIAL = [
    Question("count by kind", "SELECT kind, count(*) FROM social GROUP BY kind"),
    Question("likes by country", "SELECT author.country AS country, sum(counts.likes) FROM social GROUP BY country ORDER BY country"),
    Question("authors, exactly", "SELECT count(DISTINCT author.id) FROM social"),
    Question(
        "authors, about",
        "SELECT approx_distinct(author.id) FROM social",
        {"chdb": "SELECT uniq(author.id) FROM social", "duckdb": "SELECT approx_count_distinct(author.id) FROM social"},
    ),
    Question(
        "top authors",
        "SELECT author.name AS name, sum(counts.likes) AS likes FROM social GROUP BY name ORDER BY likes DESC, name LIMIT 10",
    ),
    Question(
        "percentiles of likes",
        "SELECT kind, approx_percentile_cont(0.5) WITHIN GROUP (ORDER BY counts.likes), "
        "approx_percentile_cont(0.99) WITHIN GROUP (ORDER BY counts.likes) FROM social GROUP BY kind",
        {
            "chdb": "SELECT kind, quantilesTDigest(0.5, 0.99)(counts.likes) FROM social GROUP BY kind",
            "duckdb": "SELECT kind, approx_quantile(counts.likes, [0.5, 0.99]) FROM social GROUP BY kind",
        },
    ),
    Question("by hour and kind", 'SELECT date_trunc(\'hour\', "at") AS hour, kind, count(*) FROM social GROUP BY hour, kind ORDER BY hour, kind'),
    Question("text search", "SELECT count(*) FROM social WHERE body LIKE '%quiet river garden%'"),
    Question(
        "tagged",
        "SELECT language, count(*) FROM social WHERE array_has(tags, 'music') GROUP BY language",
        {
            "chdb": "SELECT language, count(*) FROM social WHERE has(tags, 'music') GROUP BY language",
            "duckdb": "SELECT language, count(*) FROM social WHERE list_contains(tags, 'music') GROUP BY language",
        },
    ),
    Question(
        "newest posts",
        'SELECT id, author.name, body FROM social WHERE kind = \'post\' ORDER BY "at" DESC, id DESC LIMIT 100',
    ),
]

HITS = [
    Question("advertised", "SELECT count(*) FROM hits WHERE adv_engine_id <> 0"),
    Question("sums", "SELECT sum(adv_engine_id), count(*), avg(resolution_width) FROM hits"),
    Question("users by region", "SELECT region_id, count(DISTINCT user_id) AS u FROM hits GROUP BY region_id ORDER BY u DESC, region_id LIMIT 10"),
    Question(
        "search phrases",
        "SELECT search_phrase, count(*) AS n FROM hits WHERE search_phrase <> '' GROUP BY search_phrase ORDER BY n DESC, search_phrase LIMIT 10",
    ),
    Question("text search", "SELECT count(*) FROM hits WHERE url LIKE '%google%'"),
]

SETS = {"shop": SHOP, "social": SOCIAL, "hits": HITS}
