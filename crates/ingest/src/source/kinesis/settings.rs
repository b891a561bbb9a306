//! What the options of a Kinesis stream come to.

use crate::options::{Checked, Start};
use helios_contract::secret::{Secret, Secrets};
use helios_contract::stream::{OptionValue, Options, SourceKind, StreamDefinition};
use helios_contract::{Error, Result};

/// What the service takes of the name of a role's session, and of a consumer's; a stream's may be longer.
const SESSION_MAX: usize = 64;
const CONSUMER_MAX: usize = 128;

/// How to reach a stream, and how to read it.
#[derive(Clone)]
pub(super) struct Settings {
    /// Its name; `None` only while somebody who connects has not chosen one yet.
    pub(super) stream: Option<String>,
    /// Its ARN, if it was given: for streams of other accounts.
    pub(super) arn: Option<String>,
    /// `None` leaves it to the environment.
    pub(super) region: Option<String>,
    pub(super) endpoint: Option<String>,
    pub(super) start: Start,
    pub(super) role: Option<Role>,
    pub(super) keys: Option<Keys>,
    /// The consumer that pushed records are registered for; `None`: records are polled.
    pub(super) consumer: Option<String>,
    pub(super) record_bytes_max: usize,
}

/// A role to take on before reading.
#[derive(Clone)]
pub(super) struct Role {
    pub(super) arn: String,
    pub(super) external_id: Option<String>,
    pub(super) session: String,
}

/// Credentials that options name.
#[derive(Clone)]
pub(super) struct Keys {
    pub(super) id: Secret,
    pub(super) secret: Secret,
    pub(super) token: Option<Secret>,
}

/// Checks what holds between options.
///
/// # Errors
/// `Invalid`, naming what does not fit and what would.
pub(crate) fn check(options: &Options) -> Result<()> {
    let has = |name: &str| options.contains_key(name);
    let text = |name: &str| match options.get(name) {
        Some(OptionValue::Text(text)) => Some(text.as_str()),
        _ => None,
    };
    if has("stream") == has("arn") {
        let said = if has("stream") {
            "both the option stream and the option arn"
        } else {
            "neither the option stream nor the option arn"
        };
        return Err(Error::invalid(format!("FROM KINESIS has {said}")).hint(
            "Write stream = 'name', or arn = 'arn:aws:kinesis:REGION:ACCOUNT:stream/NAME' for a stream of another account.",
        ));
    }
    if text("arn").is_some_and(|arn| of_arn(arn).is_none()) {
        return Err(Error::invalid("the option arn is no ARN of a kinesis stream")
            .hint("It reads arn:aws:kinesis:REGION:ACCOUNT:stream/NAME."));
    }
    if text("endpoint").is_some_and(|endpoint| !endpoint.starts_with("http://") && !endpoint.starts_with("https://")) {
        return Err(Error::invalid("the option endpoint is no address").hint("Write 'https://host' or 'http://host:port'."));
    }
    if has("access_key_id") != has("secret_access_key") || has("session_token") && !has("access_key_id") {
        return Err(Error::invalid("FROM KINESIS has only a part of an access key")
            .hint("Give access_key_id and secret_access_key together, and session_token only with them."));
    }
    if has("external_id") && !has("role_arn") {
        return Err(Error::invalid("the option external_id needs the option role_arn"));
    }
    if has("consumer") && !text("mode").is_some_and(|mode| mode.eq_ignore_ascii_case("fan_out")) {
        return Err(Error::invalid("the option consumer needs mode = 'fan_out'"));
    }
    Ok(())
}

// The region and the name in the ARN of a stream.
fn of_arn(arn: &str) -> Option<(&str, &str)> {
    let mut parts = arn.splitn(6, ':');
    let is_kinesis = parts.next() == Some("arn") && parts.next().is_some() && parts.next() == Some("kinesis");
    let (region, _account, name) = (parts.next()?, parts.next()?, parts.next()?.strip_prefix("stream/")?);
    (is_kinesis && !region.is_empty() && !name.is_empty()).then_some((region, name))
}

// The beginning of a name, which is ASCII.
fn cut(name: &str, len_max: usize) -> String {
    name.chars().take(len_max).collect()
}

impl Settings {
    /// Checks the options and looks up secrets.
    pub(super) fn of(definition: &StreamDefinition, secrets: &dyn Secrets) -> Result<Settings> {
        check(&definition.options)?;
        Settings::with_or_without_stream(definition, secrets)
    }

    /// The same where no stream needs to be named.
    pub(super) fn with_or_without_stream(definition: &StreamDefinition, secrets: &dyn Secrets) -> Result<Settings> {
        let options = Checked::new(SourceKind::Kinesis, &definition.options, secrets)?;
        let secret = |name: &str| Ok::<_, Error>(options.text(name)?.map(Secret::new));
        let arn = options.text("arn")?;
        let parts = arn.as_deref().and_then(of_arn);
        let region = options.text("region")?.or(parts.map(|(region, _)| region.to_owned()));
        let stream = options.text("stream")?.or(parts.map(|(_, name)| name.to_owned()));
        let keys = match (secret("access_key_id")?, secret("secret_access_key")?) {
            (Some(id), Some(secret_key)) => Some(Keys { id, secret: secret_key, token: secret("session_token")? }),
            _ => None,
        };
        let external_id = options.text("external_id")?;
        let own = format!("helios-{}", definition.name);
        let role = options.text("role_arn")?.map(|arn| Role { arn, external_id, session: cut(&own, SESSION_MAX) });
        let is_fan_out = options.need("mode")? == "fan_out";
        let consumer = options.text("consumer")?.map(|name| if name == "helios-NAME" { cut(&own, CONSUMER_MAX) } else { name });
        let start = options.need("start")?;
        let start = Start::parse(&start).ok_or_else(|| Error::invalid("the option start is neither a word nor a timestamp"))?;
        Ok(Settings {
            stream,
            arn,
            region,
            endpoint: options.text("endpoint")?,
            start,
            role,
            keys,
            consumer: consumer.filter(|_| is_fan_out),
            record_bytes_max: options.number("record_max_bytes")?,
        })
    }

    /// What is read, for messages.
    pub(super) fn what(&self) -> String {
        let stream = self.stream.as_deref().unwrap_or("?");
        format!("reading kinesis stream {stream} {}", self.place())
    }

    /// Where the service is, for messages.
    pub(super) fn place(&self) -> String {
        match (&self.endpoint, &self.region) {
            (Some(endpoint), _) => format!("at {endpoint}"),
            (None, Some(region)) => format!("in {region}"),
            (None, None) => "in the region of the environment".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(options: &[(&str, &str)]) -> String {
        let options = options.iter().map(|(name, value)| ((*name).to_owned(), OptionValue::Text((*value).to_owned()))).collect();
        check(&options).err().map(|error| error.message()).unwrap_or_default()
    }

    #[test]
    fn options_that_contradict_each_other_are_named() {
        assert_eq!(checked(&[("stream", "clicks")]), "");
        assert_eq!(checked(&[("arn", "arn:aws-cn:kinesis:cn-north-1:123456789012:stream/clicks")]), "");
        assert_eq!(checked(&[]), "FROM KINESIS has neither the option stream nor the option arn");
        assert_eq!(checked(&[("stream", "a"), ("arn", "b")]), "FROM KINESIS has both the option stream and the option arn");
        assert_eq!(checked(&[("arn", "arn:aws:sqs:eu-west-1:1:clicks")]), "the option arn is no ARN of a kinesis stream");
        assert_eq!(checked(&[("stream", "a"), ("endpoint", "localhost")]), "the option endpoint is no address");
        assert_eq!(checked(&[("stream", "a"), ("consumer", "b")]), "the option consumer needs mode = 'fan_out'");
        assert_eq!(checked(&[("stream", "a"), ("external_id", "b")]), "the option external_id needs the option role_arn");
        assert_eq!(checked(&[("stream", "a"), ("access_key_id", "b")]), "FROM KINESIS has only a part of an access key");
    }
}
