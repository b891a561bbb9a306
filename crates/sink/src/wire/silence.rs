//! Why no reply came, in words that say what to change.

use helios_contract::error::Error;
use rustls::{CertificateError, Error as Tls};
use std::io::ErrorKind;

/// The error of a request without a reply.
pub(super) fn no_answer(url: &str, cause: ureq::Error) -> Error {
    if matches!(cause, ureq::Error::BadUri(_) | ureq::Error::Http(_)) {
        return Error::invalid(format!("{url} is no address"))
            .because(cause)
            .hint("Write url = 'https://host:8443'; several hosts are separated by commas.");
    }
    let Some(trouble) = tls(&cause) else {
        return Error::unavailable(format!("no answer from {url}"))
            .because(cause)
            .hint("Check the option url, and that the server runs and can be reached.");
    };
    let (what, remedy) = match trouble {
        // A bad signature: an authority of the same name has another key.
        Tls::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::BadSignature) => (
            format!("the certificate of {url} is from an authority that is not trusted"),
            "Name the file with the certificate of its authority in the option ssl_ca_location.",
        ),
        Tls::InvalidCertificate(CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. }) => (
            format!("the certificate of {url} is for another host name"),
            "Write the name that stands in the certificate in the option url, or give the server a certificate for this one.",
        ),
        Tls::InvalidCertificate(_) => {
            (format!("the certificate of {url} is not valid"), "Renew it on the server; check the clocks of both machines.")
        }
        Tls::InvalidMessage(_) => (
            format!("{url} does not speak TLS"),
            "Name the port for HTTPS in the option url (8443, unless it was changed), or write http:// for this one.",
        ),
        _ => (format!("no secure connection to {url}"), "Check the TLS settings of the server; its log says more."),
    };
    Error::unavailable(format!("tls: {what}")).because(cause).hint(remedy)
}

/// The error of a plain request to a port that speaks TLS.
pub(super) fn plain_to_tls(url: &str, cause: ureq::Error) -> Error {
    Error::unavailable(format!("tls: {url} speaks TLS, and was asked without"))
        .because(cause)
        .hint("Write https:// in the option url.")
}

/// Whether the connection was there, but what came was no HTTP.
pub(super) fn is_garbled(cause: &ureq::Error) -> bool {
    match cause {
        ureq::Error::Protocol(_) => true,
        ureq::Error::Io(cause) => matches!(
            cause.kind(),
            ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe
        ),
        _ => false,
    }
}

/// Whether the other end spoke TLS, however it ended.
pub(super) fn spoke_tls(cause: &ureq::Error) -> bool {
    matches!(tls(cause), Some(Tls::InvalidCertificate(_) | Tls::AlertReceived(_) | Tls::PeerIncompatible(_)))
}

fn tls(cause: &ureq::Error) -> Option<&Tls> {
    match cause {
        ureq::Error::Rustls(trouble) => Some(trouble),
        ureq::Error::Io(cause) => cause.get_ref()?.downcast_ref(),
        _ => None,
    }
}
