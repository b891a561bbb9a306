//! What the functions answer, over rows written in the query itself.

use crate::tests::world::World;

async fn answers(cases: &[(&str, &str)]) {
    let world = World::new();
    for (sql, expected) in cases {
        assert_eq!(world.text(sql).await, *expected, "{sql}");
    }
}

/// Events of one user: seconds, and what happened.
fn events(rows: &str) -> String {
    format!("(SELECT column1 AS s, to_timestamp_micros(column1 * 1000000) AS ts, column2 AS what FROM (VALUES {rows}))")
}

#[tokio::test]
async fn window_funnel_counts_steps_in_order_within_the_window() {
    let cases = [
        ("(0, 'view'), (10, 'cart'), (20, 'buy')", 3),
        ("(20, 'buy'), (0, 'view'), (10, 'cart')", 3), // rows come in any order
        ("(0, 'cart'), (10, 'view'), (20, 'buy')", 1), // out of order
        ("(0, 'view'), (10, 'cart'), (61, 'buy')", 2), // the window is over
        ("(0, 'view'), (10, 'cart'), (60, 'buy')", 3), // its last moment counts
        ("(0, 'view'), (50, 'view'), (70, 'cart'), (80, 'buy')", 3), // a later start
        ("(0, 'buy'), (1, 'cart')", 0),
        ("(0, 'view'), (0, 'cart'), (0, 'buy')", 3), // the same moment, different rows
        ("(0, 'view'), (5, 'other'), (10, 'cart'), (11, NULL), (20, 'buy')", 3),
        ("(0, 'view'), (1, 'cart'), (2, 'view'), (61, 'buy')", 2), // the restart has no cart yet
    ];
    let world = World::new();
    for (rows, steps) in cases {
        for window in ["INTERVAL '1 minute'", "60", "'60 seconds'"] {
            let sql =
                format!("SELECT window_funnel({window}, ts, what = 'view', what = 'cart', what = 'buy') FROM {}", events(rows));
            assert_eq!(world.text(&sql).await, steps.to_string(), "{rows}");
        }
    }
}

#[tokio::test]
async fn date_trunc_in_utc_is_date_trunc() {
    // Before the epoch, around leap days, and what is missing.
    let times = "(VALUES ('1969-12-31T23:59:59.999999'), ('2024-02-29T13:14:15.678901'), ('2026-11-21T00:00:00'), (NULL))";
    let world = World::new();
    for unit in ["microsecond", "millisecond", "second", "minute", "hour", "day", "week", "month", "quarter", "year"] {
        let of = |zoned: &str| {
            format!("SELECT arrow_typeof(date_trunc('{unit}', {zoned})), date_trunc('{unit}', {zoned}) FROM {times}")
        };
        let utc = world.text(&of("arrow_cast(column1, 'Timestamp(Microsecond, Some(\"UTC\"))')")).await;
        let offset = world.text(&of("arrow_cast(column1, 'Timestamp(Microsecond, Some(\"+00:00\"))')")).await;
        assert_eq!(utc, offset.replace("+00:00", "UTC"), "{unit}");
    }
    answers(&[(
        "SELECT date_trunc('hour', arrow_cast('2024-02-29T13:14:15', 'Timestamp(Microsecond, Some(\"UTC\"))'))",
        "2024-02-29T13:00:00Z",
    )])
    .await;
}

#[tokio::test]
async fn one_row_takes_one_step() {
    answers(&[
        ("SELECT window_funnel(60, to_timestamp(0), true, true)", "1"),
        ("SELECT window_funnel(60, to_timestamp(column1), true, true) FROM (VALUES (0), (1))", "2"),
        ("SELECT window_funnel(60, to_timestamp(column1), true) FROM (VALUES (0)) WHERE false", "0"),
    ])
    .await;
}

#[tokio::test]
async fn retention_needs_the_first_condition() {
    answers(&[
        ("SELECT retention(column1 = 'a', column1 = 'b', column1 = 'c') FROM (VALUES ('a'), ('c'))", "[true, false, true]"),
        ("SELECT retention(column1 = 'a', column1 = 'b') FROM (VALUES ('b'))", "[false, false]"),
        ("SELECT retention(column1 = 'a') FROM (VALUES (NULL), ('a'))", "[true]"),
    ])
    .await;
}

#[tokio::test]
async fn sessions_end_after_the_gap() {
    let rows = events("(0, 'a'), (10, 'a'), (41, 'a'), (40, 'a'), (100, 'a')");
    let numbered = format!("SELECT s, session_number(INTERVAL '30 seconds', ts) OVER (ORDER BY ts) AS n FROM {rows}");
    answers(&[
        (&format!("SELECT session_count(INTERVAL '30 seconds', ts) FROM {rows}"), "2"),
        (&format!("SELECT session_count(29, ts) FROM {rows}"), "3"),
        ("SELECT session_count(29, to_timestamp(column1)) FROM (VALUES (NULL::INT)) WHERE false", "0"),
        (&format!("{numbered} ORDER BY s"), "0|1\n10|1\n40|1\n41|1\n100|2"),
        (&format!("SELECT n, count(*) FROM ({numbered}) GROUP BY n ORDER BY n"), "1|4\n2|1"),
    ])
    .await;
}

#[tokio::test]
async fn partial_states_merge() {
    let rows = "(SELECT value AS i, value % 1000 AS u, to_timestamp(value) AS ts FROM generate_series(0, 99999))";
    answers(&[
        (
            &format!("SELECT sum(f) FROM (SELECT u, window_funnel(5000, ts, i < 1000, i > 3000) AS f FROM {rows} GROUP BY u)"),
            "2000",
        ),
        (&format!("SELECT sum(n) FROM (SELECT u, session_count(999, ts) AS n FROM {rows} GROUP BY u)"), "100000"),
        (&format!("SELECT sum(n) FROM (SELECT u, session_count(1000, ts) AS n FROM {rows} GROUP BY u)"), "1000"),
        (&format!("SELECT sum(r[2]::INT) FROM (SELECT u, retention(i < 500, i >= 99000) AS r FROM {rows} GROUP BY u)"), "500"),
    ])
    .await;
}

#[tokio::test]
async fn time_bucket_takes_text_and_intervals() {
    answers(&[
        ("SELECT time_bucket('5 minutes', TIMESTAMP '2026-11-21 10:07:30')", "2026-11-21T10:05:00"),
        ("SELECT time_bucket(INTERVAL '1 hour', TIMESTAMP '2026-11-21 10:07:30')", "2026-11-21T10:00:00"),
        ("SELECT time_bucket('1 month', DATE '2026-11-21')", "2026-11-01T00:00:00"),
        ("SELECT time_bucket('1 hour', TIMESTAMP '2026-11-21 10:07:30', TIMESTAMP '2026-01-01 00:30:00')", "2026-11-21T09:30:00"),
        ("SELECT time_bucket('1 minute', to_timestamp(column1)) AS b, count(*) FROM (VALUES (0), (59), (60)) GROUP BY b ORDER BY b",
         "1970-01-01T00:00:00Z|2\n1970-01-01T00:01:00Z|1"),
    ])
    .await;
}

#[tokio::test]
async fn json_operators_and_approximations_are_there() {
    answers(&[
        (r#"SELECT '{"a": {"b": [1, 2]}}' -> 'a' ->> 'b'"#, "[1, 2]"),
        (r#"SELECT '{"a": {"b": 1}}' -> 'a'"#, r#"{"b": 1}"#),
        (r#"SELECT '{"a": "x"}' ->> 'a', '{"a": "x"}' ? 'a', '{"a": 5}' -> 'a' AS doc"#, "x|true|5"),
        (r#"SELECT ('{"a": 5}' ->> 'a')::INT + 1"#, "6"),
        (r#"SELECT json_get_int('{"a": 5}', 'a')"#, "5"),
        ("SELECT approx_distinct(column1), approx_percentile_cont(0.5) WITHIN GROUP (ORDER BY column1) FROM (VALUES (1), (2), (2))", "2|2.0"),
        ("SELECT approx_median(column1), median(column1) FROM (VALUES (1.0), (2.0), (3.0))", "2.0|2.0"),
        ("SELECT date_bin(INTERVAL '1 day', TIMESTAMP '2026-11-21 10:07:30')", "2026-11-21T00:00:00"),
        ("SELECT 5<-1, 7 / 2, '5' || 1, 3::TEXT, [1, 2][1]", "false|3|51|3|1"),
    ])
    .await;
}

#[tokio::test]
async fn wrong_arguments_are_named() {
    let world = World::new();
    for (sql, message) in [
        ("SELECT window_funnel(60, 5, true)", "window_funnel takes a timestamp second, not Int64"),
        ("SELECT window_funnel(column1, to_timestamp(0), true) FROM (VALUES (1))", "constant length of time"),
        ("SELECT window_funnel(INTERVAL '1 month', to_timestamp(0), true)", "write days"),
        ("SELECT session_count(-1, to_timestamp(0))", "not negative"),
        ("SELECT time_bucket(5, to_timestamp(0))", "time_bucket takes an INTERVAL first"),
        ("SELECT retention()", "retention"),
    ] {
        let error = world.query(sql).await.expect_err(sql);
        assert!(error.message().contains(message), "{sql}: {error}");
    }
}
