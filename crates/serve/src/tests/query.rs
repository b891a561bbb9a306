//! Statements: how they may be asked, the five formats, and answers that fail at the start or on the way.

use super::{Site, orders};
use crate::Config;
use arrow::array::RecordBatch;
use arrow::ipc::reader::StreamReader;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use helios_contract::Error;
use helios_contract::query::{Parameters, Reuse};
use http_body_util::BodyExt;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::json;
use std::io::Cursor;
use std::sync::Arc;
use std::time::Duration;
use tower::ServiceExt;

const PATH: &str = "/api/v1/query";

#[tokio::test]
async fn json_is_one_document_with_exact_numbers() {
    let reply = Site::new().sql("SELECT * FROM orders", "json").await;
    assert!(reply.text().starts_with(concat!(
        r#"{"columns":[{"name":"id","type":"BIGINT"},{"name":"price","type":"DECIMAL(10, 2)"},{"name":"country","type":"TEXT"},{"name":"weight","type":"DOUBLE"}],"#,
        r#""data":[{"id":9223372036854775807,"price":"12.30","country":"a\"b,c","weight":null},{"id":2,"price":"-0.05","country":"DE","weight":1.5}],"#,
        r#""n_rows":2,"snapshot":512,"freshness_ms":400,"elapsed_ms":"#
    )), "{}", reply.text());
    assert!(reply.json()["elapsed_ms"].is_number());
    assert_eq!((reply.header("x-query-id"), reply.header("x-snapshot"), reply.header("x-freshness-ms")), ("q1", "512", "400"));
    assert_eq!(reply.header("content-type"), "application/json");
}

#[tokio::test]
async fn text_formats() {
    let site = Site::new();
    let reply = site.sql("SELECT 1", "ndjson").await;
    assert_eq!(reply.text().lines().count(), 2);
    assert!(reply.text().starts_with(r#"{"id":9223372036854775807,"price":"12.30","#));
    let reply = site.sql("SELECT 1", "csv").await;
    assert_eq!(reply.text(), "id,price,country,weight\n9223372036854775807,12.30,\"a\"\"b,c\",\n2,-0.05,DE,1.5\n");
}

#[tokio::test]
async fn binary_formats_read_back() {
    let site = Site::new();
    let reply = site.sql("SELECT 1", "arrow").await;
    let read: Vec<RecordBatch> = StreamReader::try_new(Cursor::new(reply.bytes), None).unwrap().map(Result::unwrap).collect();
    assert_eq!(read, [orders()]);
    let reply = site.sql("SELECT 1", "parquet").await;
    let read = ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(reply.bytes)).unwrap().build().unwrap();
    assert_eq!(read.map(Result::unwrap).collect::<Vec<_>>(), [orders()]);
}

#[tokio::test]
async fn answers_without_rows_are_whole_in_every_format() {
    for format in ["json", "ndjson", "csv", "arrow", "parquet"] {
        let site = Site::new();
        site.fake.answers.lock().unwrap().push_back(Ok(Vec::new()));
        let reply = site.sql("SELECT 1", format).await;
        assert!(!reply.aborted && reply.status == StatusCode::OK, "{format}");
        match format {
            "json" => assert_eq!((&reply.json()["data"], &reply.json()["n_rows"]), (&json!([]), &json!(0))),
            "ndjson" => assert_eq!(reply.text(), ""),
            "csv" => assert_eq!(reply.text(), "id,price,country,weight\n"),
            "arrow" => assert_eq!(StreamReader::try_new(Cursor::new(reply.bytes), None).unwrap().count(), 0),
            _ => assert_eq!(
                ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(reply.bytes)).unwrap().build().unwrap().count(),
                0
            ),
        }
    }
}

#[tokio::test]
async fn large_batches_are_encoded_aside_and_stay_in_order() {
    let site = Site::new();
    let large = arrow::compute::concat_batches(&orders().schema(), &vec![orders(); 2000]).unwrap();
    site.fake.answers.lock().unwrap().push_back(Ok(vec![Ok(large.clone()), Ok(orders()), Ok(large)]));
    let reply = site.sql("SELECT 1", "arrow").await;
    let sizes: Vec<usize> =
        StreamReader::try_new(Cursor::new(reply.bytes), None).unwrap().map(|batch| batch.unwrap().num_rows()).collect();
    assert_eq!(sizes, [4000, 2, 4000]);
}

#[tokio::test]
async fn the_request_may_be_json_with_everything() {
    let site = Site::new();
    let body = json!({"sql": "SELECT $n", "params": {"n": 1}, "format": "csv", "limits": {"rows": 5, "seconds": 1.5, "memory_bytes": 1024}, "id": "mine"});
    let reply = site.send("POST", PATH, &[("content-type", "application/json; charset=utf-8")], body.to_string()).await;
    assert_eq!((reply.header("x-query-id"), reply.header("content-type")), ("mine", "text/csv; charset=utf-8"));
    let asked = site.fake.asked.lock().unwrap().pop().unwrap();
    assert_eq!((asked.sql.as_str(), asked.limits.n_rows, asked.limits.memory_bytes), ("SELECT $n", Some(5), Some(1024)));
    assert_eq!(asked.limits.time, Some(Duration::from_millis(1500)));
    assert_eq!(asked.parameters, Parameters::Named(json!({"n": 1}).as_object().unwrap().clone()));
}

#[tokio::test]
async fn the_format_may_be_accepted() {
    let site = Site::new();
    for (accept, media_type) in [
        ("application/vnd.apache.arrow.stream", "application/vnd.apache.arrow.stream"),
        ("text/html, Text/CSV;q=0.9, */*", "text/csv; charset=utf-8"),
        ("application/x-ndjson", "application/x-ndjson"),
        ("application/vnd.apache.parquet", "application/vnd.apache.parquet"),
        ("*/*", "application/json"),
    ] {
        let reply = site.send("POST", PATH, &[("accept", accept)], "SELECT 1").await;
        assert_eq!(reply.header("content-type"), media_type, "{accept}");
    }
}

#[tokio::test]
async fn which_kept_answers_will_do_is_said_in_the_words_of_http() {
    let site = Site::new();
    let minute = Reuse::Within(Duration::from_secs(60));
    for (said, reuse) in
        [("max-age=60", minute), ("private, Max-Age=60", minute), ("no-cache", Reuse::Never), ("private", Reuse::Exact)]
    {
        site.send("POST", PATH, &[("cache-control", said)], "SELECT 1").await;
        assert_eq!(site.fake.asked.lock().unwrap().pop().unwrap().reuse, reuse, "{said}");
    }
    let reply = site.send("POST", PATH, &[("cache-control", "max-age=soon")], "SELECT 1").await;
    assert_eq!(reply.json()["message"], "cannot read `Cache-Control: max-age=soon`: invalid digit found in string");

    *site.fake.age.lock().unwrap() = Some(Duration::from_millis(2_700));
    let reply = site.sql("SELECT 1", "json").await;
    assert_eq!((reply.header("age"), &reply.json()["age_ms"]), ("2", &json!(2_700)));
}

#[tokio::test]
async fn requests_that_make_no_sense_say_why() {
    let site = Site::with(Config { sql_bytes_max: 1000, ..Config::default() });
    let json = [("content-type", "application/json")];
    let cases = [
        (&json[..], "{\"sql\": 1}".as_bytes().to_vec(), 400, "cannot read the request's JSON"),
        (&json[..], br#"{"sql":"","formt":"csv"}"#.to_vec(), 400, "cannot read the request's JSON: unknown field `formt`"),
        (&json[..], br#"{"sql":"","params":1}"#.to_vec(), 400, "`params` is neither"),
        (&json[..], br#"{"sql":"","limits":{"seconds":-1}}"#.to_vec(), 400, "cannot use `limits.seconds`"),
        (&json[..], br#"{"sql":"","id":"a b"}"#.to_vec(), 400, "the query's id"),
        (&[][..], b"SELECT '\xff'".to_vec(), 400, "the statement is not UTF-8"),
        (&[][..], vec![b' '; 1001], 413, "the body is larger than 1000 bytes"),
    ];
    for (headers, body, status, message) in cases {
        let reply = site.send("POST", PATH, headers, body).await;
        assert_eq!(reply.status.as_u16(), status);
        assert!(reply.json()["message"].as_str().unwrap().starts_with(message), "{}", reply.text());
    }
    let reply = site.sql("SELECT 1", "cvs").await;
    assert_eq!((reply.status, reply.json()["hint"].as_str()), (StatusCode::BAD_REQUEST, Some("Did you mean `csv`?")));
    assert!(site.fake.asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn failures_before_the_first_row_have_their_own_status() {
    let site = Site::new();
    let wrong = Error::invalid("no column contry").at(1, 8).hint("Did you mean `country`?");
    site.fake.answers.lock().unwrap().push_back(Err(wrong));
    let reply = site.sql("SELECT contry FROM orders", "csv").await;
    assert_eq!((reply.status, &reply.json()["position"]), (StatusCode::BAD_REQUEST, &json!({"line": 1, "column": 8})));
    site.fake.answers.lock().unwrap().push_back(Ok(vec![Err(Error::exhausted("the query needs more than 1 GiB"))]));
    assert_eq!(site.sql("SELECT 1", "json").await.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn failures_on_the_way_end_the_body_abnormally() {
    for format in ["json", "ndjson", "csv", "arrow", "parquet"] {
        let site = Site::new();
        site.fake.answers.lock().unwrap().push_back(Ok(vec![Ok(orders()), Err(Error::exhausted("more than 2 rows"))]));
        let reply = site.sql("SELECT 1", format).await;
        assert!(reply.aborted && reply.status == StatusCode::OK, "{format}");
        match format {
            "json" => {
                let document = reply.json();
                assert_eq!((&document["n_rows"], &document["error"]["message"]), (&json!(2), &json!("more than 2 rows")));
                assert_eq!(document["error"]["request_id"], reply.header("x-request-id"));
            }
            "ndjson" => assert!(reply.text().lines().last().unwrap().starts_with(r#"{"error":{"code":"exhausted","#)),
            _ => {}
        }
    }
}

#[tokio::test]
async fn a_client_that_leaves_drops_the_answer() {
    let site = Site::new();
    site.fake.answers.lock().unwrap().push_back(Ok((0..1000).map(|_| Ok(orders())).collect()));
    let request = Request::post(PATH).header("host", "localhost").body(Body::from("SELECT 1")).unwrap();
    let mut body = site.router.clone().oneshot(request).await.unwrap().into_body();
    body.frame().await.unwrap().unwrap();
    assert_eq!(Arc::strong_count(&site.fake.alive), 2);
    drop(body);
    while Arc::strong_count(&site.fake.alive) > 1 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn queries_are_cancelled_by_id() {
    let site = Site::new();
    assert_eq!(site.send("DELETE", "/api/v1/queries/q1", &[], "").await.status, StatusCode::NO_CONTENT);
    assert_eq!(site.send("DELETE", "/api/v1/queries/q2", &[], "").await.status, StatusCode::NOT_FOUND);
}
