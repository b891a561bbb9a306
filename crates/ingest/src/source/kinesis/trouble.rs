//! What can go wrong with Kinesis: each a named cause, a message that says what it was, and a hint what to do.

use super::api::{Refusal, Why};
use crate::report::Cause;
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_kinesis::error::{ErrorMetadata, ProvideErrorMetadata, SdkError};
use helios_contract::{Error, Kind};
use std::error::Error as StdError;

const CHECK_KEYS: &str =
    "Check the access key and its secret, and this machine's clock; a running stream tries again every half minute.";

/// The refusal for something the service, or the way to it, answered. `action` is the call, as policies name it.
pub(super) fn refused<E, R>(what: &str, action: &str, error: &SdkError<E, R>) -> Refusal
where
    E: ProvideErrorMetadata + StdError + 'static,
    R: std::fmt::Debug + 'static,
{
    match error {
        SdkError::ServiceError(answered) => answer(what, action, answered.err()),
        other => match find::<CredentialsError>(other) {
            Some(unloaded) => Refusal { why: Why::Other, error: credentials(what, unloaded) },
            None => unreachable(what, other),
        },
    }
}

/// The refusal for an error that the service itself sent.
pub(super) fn answer(what: &str, action: &str, error: &(impl ProvideErrorMetadata + StdError + 'static)) -> Refusal {
    match error.code() {
        Some(code) => named_by(what, action, code, error.message().unwrap_or_default()),
        None => unreachable(what, error),
    }
}

/// The refusal that an error code of the service stands for.
pub(super) fn named_by(what: &str, action: &str, code: &str, message: &str) -> Refusal {
    let is_shard = message.to_ascii_lowercase().contains("shard ");
    let (why, kind, word, hint) = match code {
        "ProvisionedThroughputExceededException"
        | "LimitExceededException"
        | "KMSThrottlingException"
        | "ThrottlingException"
        | "Throttling"
        | "RequestLimitExceeded"
        | "SlowDown" => (
            Why::Throttled,
            Kind::Unavailable,
            "throttled",
            "A shard takes five reads and two megabytes a second over all its readers. Add shards, or read with mode = 'fan_out'.",
        ),
        "ExpiredIteratorException" => {
            (Why::IteratorExpired, Kind::Unavailable, "iterator_expired", "Reading continues with a new one by itself.")
        }
        "ResourceNotFoundException" if is_shard => {
            (Why::ShardMissing, Kind::NotFound, "shard_missing", "Retention has passed; the loss is recorded in system.ledger.")
        }
        "ResourceNotFoundException" => (
            Why::Other,
            Kind::NotFound,
            "stream_missing",
            "Create the stream, or correct the options stream and region; a running stream tries again every half minute.",
        ),
        "ResourceInUseException" => (
            Why::Busy,
            Kind::Unavailable,
            "stream_not_active",
            "The stream is being created, changed or deleted; reading continues by itself once it is active.",
        ),
        "InvalidArgumentException" | "ValidationException" if message.contains("did not come from this stream") => (
            Why::Other,
            Kind::Invalid,
            "stream_recreated",
            "The stream was deleted and created again. Create a new stream for it; what was read stays in this one.",
        ),
        "InvalidArgumentException" | "ValidationException" | "SerializationException" => {
            (Why::Argument, Kind::Invalid, "argument_refused", "Check the options stream, arn, region and endpoint.")
        }
        _ => return rights(what, action, code, message),
    };
    Refusal { why, error: named(kind, word, what, detail(code, message)).hint(hint) }
}

// What has to do with who asks.
fn rights(what: &str, action: &str, code: &str, message: &str) -> Refusal {
    let (kind, word, hint) = match code {
        "AccessDeniedException" | "AccessDenied" | "NotAuthorized" => {
            let hint = format!("Allow the identity {action} on the resource; a running stream tries again every half minute.");
            (Kind::Invalid, "access_denied", hint)
        }
        code if code.starts_with("KMS") => (
            Kind::Invalid,
            "kms_denied",
            "Allow the identity kms:Decrypt on the key of the stream, and see that the key is enabled; a running stream tries again every half minute.".to_owned(),
        ),
        "ExpiredTokenException" | "ExpiredToken" | "RequestExpired" => (
            Kind::Invalid,
            "credentials_expired",
            "Renew them where they come from (environment, profile, secret); a running stream tries again every half minute.".to_owned(),
        ),
        "InvalidSignatureException" if message.contains("valid region") => {
            (Kind::Invalid, "region_wrong", "The endpoint belongs to another region: correct the option region.".to_owned())
        }
        "UnrecognizedClientException" | "InvalidSignatureException" | "InvalidClientTokenId" | "IncompleteSignatureException"
        | "MissingAuthenticationTokenException" | "MissingAuthenticationToken" | "SignatureDoesNotMatch" => (
            Kind::Invalid,
            "credentials_refused",
            CHECK_KEYS.to_owned(),
        ),
        _ => (
            Kind::Unavailable,
            "service_failed",
            "The service has trouble of its own; a running stream continues by itself.".to_owned(),
        ),
    };
    Refusal { why: Why::Other, error: named(kind, word, what, detail(code, message)).hint(hint) }
}

/// The error for credentials that could not be had at all.
pub(super) fn credentials(what: &str, error: &CredentialsError) -> Error {
    // What the service that gives credentials answered says it all; where none did, the whole way there does.
    let answered = find::<ErrorMetadata>(error).and_then(|e| Some(detail(e.code()?, e.message().unwrap_or_default())));
    let said = answered.unwrap_or_else(|| said(error));
    let is_one_of = |codes: &[&str]| codes.iter().any(|code| said.contains(code));
    match error {
        CredentialsError::CredentialsNotLoaded(_) => named(Kind::Invalid, "credentials_missing", what, said).hint(
            "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile or a role for this machine, or give access_key_id and secret_access_key as secrets.",
        ),
        CredentialsError::InvalidConfiguration(_) => named(Kind::Invalid, "credentials_missing", what, said)
            .hint("Correct the profile that AWS_PROFILE names; a running stream tries again every half minute."),
        _ if is_one_of(&["AccessDenied", "ValidationError"]) => named(Kind::Invalid, "role_refused", what, said).hint(
            "Check role_arn and external_id, allow the identity sts:AssumeRole on the role, and let the role's trust policy name the identity; a running stream tries again every half minute.",
        ),
        _ if is_one_of(&["ExpiredToken"]) => named(Kind::Invalid, "credentials_expired", what, said)
            .hint("Renew them where they come from; a running stream tries again every half minute."),
        _ if is_one_of(&["InvalidClientTokenId", "SignatureDoesNotMatch", "UnrecognizedClient"]) => {
            named(Kind::Invalid, "credentials_refused", what, said).hint(CHECK_KEYS)
        }
        // STS that cannot be reached or has trouble of its own, a process that failed.
        _ => named(Kind::Unavailable, "credentials_failed", what, said)
            .hint("Check that this machine can reach the place that credentials come from, which is STS for a role; a running stream continues by itself."),
    }
}

/// The refusal for an answer that did not come.
pub(super) fn unreachable(what: &str, error: &(dyn StdError + 'static)) -> Refusal {
    let error = named(Kind::Unavailable, "endpoint_unreachable", what, said(error))
        .hint("Check the options region and endpoint, and that this machine can reach it; a running stream continues by itself.");
    Refusal { why: Why::Other, error }
}

// An error with all that is under it; the SDK's own text would repeat whole requests.
fn said(error: &(dyn StdError + 'static)) -> String {
    let mut said: Vec<String> = Vec::new();
    for error in chain(error) {
        let text = error.to_string();
        if said.last().is_none_or(|last| !last.contains(&text)) {
            said.push(text);
        }
    }
    said.join(": ")
}

/// An error with a named cause.
pub(super) fn named(kind: Kind, word: &'static str, what: &str, detail: String) -> Error {
    Error::new(kind, what).because(Cause { word, detail })
}

fn detail(code: &str, message: &str) -> String {
    if message.is_empty() { code.to_owned() } else { format!("{message} ({code})") }
}

// The first error of a kind under another.
fn find<'e, T: StdError + 'static>(error: &'e (dyn StdError + 'static)) -> Option<&'e T> {
    chain(error).find_map(|error| error.downcast_ref())
}

fn chain<'e>(error: &'e (dyn StdError + 'static)) -> impl Iterator<Item = &'e (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error: &&'e (dyn StdError + 'static)| (*error).source())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::cause_of;

    #[test]
    fn causes_have_names_and_hints() {
        let named = |code: &str, message: &str| {
            let refusal = named_by("reading stream clicks in eu-west-1", "kinesis:GetRecords", code, message);
            (refusal.why, cause_of(&refusal.error), refusal.error.kind())
        };
        assert_eq!(named("ResourceNotFoundException", "Stream clicks under account 1 not found.").1, "stream_missing");
        let shard = "Shard shardId-000000000001 in stream clicks under account 1 does not exist";
        assert_eq!(named("ResourceNotFoundException", shard).0, Why::ShardMissing);
        assert_eq!(named("KMSAccessDeniedException", "").1, "kms_denied");
        assert_eq!(named("ExpiredTokenException", "").1, "credentials_expired");
        assert_eq!(named("UnrecognizedClientException", "The security token is invalid.").1, "credentials_refused");
        assert_eq!(named("InvalidSignatureException", "Credential should be scoped to a valid region.").1, "region_wrong");
        assert_eq!(named("ProvisionedThroughputExceededException", "Rate exceeded").2, Kind::Unavailable);
        assert_eq!(named("InternalFailure", "").1, "service_failed");
    }

    #[test]
    fn a_missing_right_is_named_with_what_it_is_on() {
        let message = "User: arn:aws:iam::1:user/x is not authorized to perform: kinesis:GetRecords on resource: arn:aws:kinesis:eu-west-1:1:stream/clicks";
        let error = named_by("reading stream clicks", "kinesis:GetRecords", "AccessDeniedException", message).error;
        assert_eq!(cause_of(&error), "access_denied");
        assert!(error.message().contains("stream/clicks"), "{error}");
        assert!(error.hint_text().unwrap().contains("kinesis:GetRecords"), "{error}");
    }

    #[test]
    fn what_sts_answers_has_a_name_and_is_told_without_the_way_there() {
        let answered = |code: &str, message: &str| {
            let metadata = ErrorMetadata::builder().code(code).message(message).build();
            credentials("reading stream clicks", &CredentialsError::provider_error(metadata))
        };
        let denied = answered("AccessDenied", "x is not authorized to perform: sts:AssumeRole");
        assert_eq!(cause_of(&denied), "role_refused");
        assert_eq!(denied.message(), "reading stream clicks: x is not authorized to perform: sts:AssumeRole (AccessDenied)");
        assert_eq!(cause_of(&answered("ValidationError", "x is invalid")), "role_refused");
        assert_eq!(cause_of(&answered("ExpiredTokenException", "")), "credentials_expired");
        assert_eq!(cause_of(&answered("InvalidClientTokenId", "")), "credentials_refused");
        assert_eq!(cause_of(&answered("SignatureDoesNotMatch", "")), "credentials_refused");
        let trouble = answered("InternalFailure", "");
        assert_eq!((cause_of(&trouble), trouble.kind()), ("credentials_failed", Kind::Unavailable));
    }
}
