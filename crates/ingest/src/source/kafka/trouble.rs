//! What can go wrong with Kafka: each a named cause, a message that says what it was, and a hint what to do.

use crate::report::Cause;
use helios_contract::{Error, Kind};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};

/// The error for something librdkafka answered while doing `what`.
pub(super) fn of(what: &str, code: Code, reason: &str) -> Error {
    let (kind, word, hint) = meaning(code);
    let detail = if reason.is_empty() { code.to_string() } else { reason.to_owned() };
    named(kind, word, what, detail).hint(hint)
}

/// An error with a named cause.
pub(super) fn named(kind: Kind, word: &'static str, what: &str, detail: String) -> Error {
    Error::new(kind, what).because(Cause { word, detail })
}

/// The error for settings librdkafka refuses. It may quote the value, which may be a secret: only the name is told.
pub(super) fn configuration(error: &KafkaError) -> Error {
    let what = match error {
        KafkaError::ClientConfig(_, _, name, _) => format!("kafka does not take the option {}", name.replace('.', "_")),
        KafkaError::ClientCreation(reason) => format!("a kafka client cannot be made with these options: {reason}"),
        _ => "a kafka client cannot be made with these options".to_owned(),
    };
    Error::invalid(what).hint("Check the security, sasl and ssl options, and that the files they name can be read.")
}

/// Whether the error comes from what the user set, and not from the state of the cluster.
pub(super) fn is_our_fault(code: Code) -> bool {
    matches!(meaning(code).1, "authentication_failed" | "tls_failed" | "access_denied")
}

/// Whether the consumer is of no use after this error.
pub(super) fn is_final(code: Code) -> bool {
    meaning(code).0 != Kind::Unavailable && meaning(code).0 != Kind::NotFound
}

fn meaning(code: Code) -> (Kind, &'static str, &'static str) {
    match code {
        Code::Authentication | Code::SaslAuthenticationFailed | Code::UnsupportedSASLMechanism | Code::IllegalSASLState => (
            Kind::Invalid,
            "authentication_failed",
            "Check sasl_mechanism, sasl_username and the secret of sasl_password; a running stream tries again every half minute.",
        ),
        Code::SSL => (
            Kind::Invalid,
            "tls_failed",
            "Check security_protocol and ssl_ca_location, and for mutual TLS the certificate and key; a running stream tries again every half minute.",
        ),
        Code::TopicAuthorizationFailed | Code::GroupAuthorizationFailed | Code::ClusterAuthorizationFailed => (
            Kind::Invalid,
            "access_denied",
            "Allow the user to DESCRIBE and READ the topic; a running stream tries again every half minute.",
        ),
        Code::UnknownTopic | Code::UnknownTopicOrPartition | Code::UnknownPartition | Code::InvalidTopic => (
            Kind::NotFound,
            "topic_missing",
            "Create the topic, or correct the option topic; a running stream tries again every half minute.",
        ),
        Code::MessageSizeTooLarge | Code::InvalidMessageSize => {
            (Kind::Invalid, "message_too_large", "Raise the option message_max_bytes; no message was skipped.")
        }
        Code::BadMessage | Code::BadCompression | Code::InvalidMessage => {
            (Kind::Corrupt, "message_corrupt", "The broker's copy of a message is damaged; no message was skipped.")
        }
        Code::AutoOffsetReset | Code::OffsetOutOfRange => (
            Kind::Unavailable,
            "offset_out_of_range",
            "The range that is gone is looked up and recorded in system.ledger; then reading continues.",
        ),
        Code::Fatal => (Kind::Internal, "client_failed", "The connection is opened anew; nothing was skipped."),
        _ => (
            Kind::Unavailable,
            "broker_down",
            "Check the option brokers, and that they run and can be reached; a running stream continues by itself.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::cause_of;

    #[test]
    fn causes_have_names_and_hints() {
        let error = of(
            "reading topic orders from k:9092",
            Code::SaslAuthenticationFailed,
            "SASL authentication error: Authentication failed",
        );
        assert_eq!(cause_of(&error), "authentication_failed");
        assert_eq!(error.kind(), Kind::Invalid);
        assert!(error.to_string().starts_with(
            "reading topic orders from k:9092: SASL authentication error: Authentication failed. Check sasl_mechanism"
        ));
        assert_eq!(cause_of(&of("x", Code::AllBrokersDown, "")), "broker_down");
        assert_eq!(cause_of(&Error::conflict("x")), "conflict");
    }

    #[test]
    fn a_refused_value_is_not_repeated() {
        let mut config = rdkafka::ClientConfig::new();
        config.set("ssl.key.password", "hunter2").set("security.protocol", "hunter2");
        let refused = config.create::<rdkafka::consumer::BaseConsumer>().err().unwrap();
        let error = configuration(&refused);
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}
