//! Messages lose what only a Rust programmer would understand.

use super::*;

#[test]
fn messages_are_clean() {
    assert_eq!(clean("Error during planning: Execution error: The x\nis y"), "the x is y");
    assert_eq!(clean("NULL is not y"), "NULL is not y");
}

#[test]
fn our_own_errors_come_through() {
    let ours = || DataFusionError::External(Box::new(Error::unavailable("the disk is away").hint("Wait.")));
    let nested = DataFusionError::Context("reading".into(), Box::new(ours()));
    assert_eq!(from_datafusion(nested, None).to_string(), "the disk is away. Wait.");
    let shared = DataFusionError::Shared(std::sync::Arc::new(ours()));
    assert_eq!(from_datafusion(shared, None).to_string(), "the disk is away. Wait.");
    let wrapped = DataFusionError::ArrowError(Box::new(ArrowError::ExternalError(Box::new(ours()))), None);
    assert_eq!(from_datafusion(wrapped, None).to_string(), "the disk is away. Wait.");
}

#[test]
fn a_missing_file_is_corruption_and_a_refused_read_is_not() {
    use helios_contract::error::Kind;
    let missing = object_store::Error::NotFound { path: "t/1.parquet".into(), source: "gone".into() };
    assert_eq!(from_store(&missing).kind(), Kind::Corrupt);
    let busy = object_store::Error::Generic { store: "lake", source: "busy".into() };
    assert_eq!(from_store(&busy).kind(), Kind::Unavailable);
}
