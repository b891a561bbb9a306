//! The service as the official SDK reaches it.

use super::api::{Api, From, Page, Pages, Raw, Refusal, Shard, Why};
use super::settings::{Keys, Settings};
use super::trouble::{self, answer, named, refused};
use async_trait::async_trait;
use aws_config::sts::AssumeRoleProvider;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::config::retry::RetryConfig;
use aws_sdk_kinesis::config::timeout::TimeoutConfig;
use aws_sdk_kinesis::config::{Credentials, ProvideCredentials, SharedCredentialsProvider, StalledStreamProtectionConfig};
use aws_sdk_kinesis::error::SdkError;
use aws_sdk_kinesis::primitives::DateTime;
use aws_sdk_kinesis::types::{self, ConsumerStatus, ShardIteratorType, StartingPosition, SubscribeToShardEventStream};
use aws_smithy_http_client::tls;
use futures::StreamExt;
use helios_contract::{Error, Kind, Result, Timestamp};
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// How long a connection may take, and a whole answer.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// A subscription says something every five seconds; one that is silent for longer is dead.
const PUSH_WITHIN: Duration = Duration::from_secs(30);
/// How often, and how many times, a new consumer is asked whether it can be used.
const CONSUMER_POLL: Duration = Duration::from_secs(1);
const CONSUMER_POLLS_MAX: usize = 60;

/// A stream of the service.
pub(super) struct Kinesis {
    pub(super) client: Client,
    stream: Option<String>,
    arn: Option<String>,
    what: String,
}

impl Kinesis {
    /// Finds the region and credentials; the service itself is not asked yet.
    ///
    /// # Errors
    /// `credentials_missing`, `role_refused` and the like; `Invalid` when no region is known.
    pub(super) async fn connect(settings: &Settings) -> Result<Kinesis> {
        let what = settings.what();
        let config = load(settings).await;
        if config.region().is_none() {
            let error = named(Kind::Invalid, "region_missing", &what, "no region is known".to_owned());
            return Err(error.hint("Give the option region, as region = 'eu-west-1'."));
        }
        let provider = credentials(settings, &config).await;
        let provider = provider.ok_or_else(|| Error::internal("the SDK's configuration has no credentials provider"))?;
        provider.provide_credentials().await.map_err(|error| trouble::credentials(&what, &error))?;
        let mut config = config.into_builder();
        config.set_credentials_provider(Some(provider));
        let config = config.build();
        let mut own = aws_sdk_kinesis::config::Builder::from(&config);
        if let Some(endpoint) = &settings.endpoint {
            own = own.endpoint_url(endpoint);
        }
        let client = Client::from_conf(own.build());
        // The service wants one of them, and the ARN wherever the stream is another account's.
        let stream = settings.stream.clone().filter(|_| settings.arn.is_none());
        Ok(Kinesis { client, stream, arn: settings.arn.clone(), what })
    }

    fn refused<E, R>(&self, action: &str, error: &SdkError<E, R>) -> Refusal
    where
        E: aws_sdk_kinesis::error::ProvideErrorMetadata + std::error::Error + 'static,
        R: std::fmt::Debug + 'static,
    {
        refused(&self.what, action, error)
    }

    async fn arn(&self) -> Result<String, Refusal> {
        let call = self.client.describe_stream_summary().set_stream_name(self.stream.clone()).set_stream_arn(self.arn.clone());
        let told = call.send().await.map_err(|e| self.refused("kinesis:DescribeStreamSummary", &e))?;
        Ok(told.stream_description_summary().map(|summary| summary.stream_arn().to_owned()).unwrap_or_default())
    }

    /// The names of the account's streams.
    pub(super) async fn streams(&self, n_max: usize) -> Result<Vec<String>, Refusal> {
        let mut names: Vec<String> = Vec::new();
        loop {
            let call = self.client.list_streams().set_exclusive_start_stream_name(names.last().cloned());
            let page = call.send().await.map_err(|e| self.refused("kinesis:ListStreams", &e))?;
            names.extend(page.stream_names().iter().cloned());
            if !page.has_more_streams() || page.stream_names().is_empty() || names.len() >= n_max {
                return Ok(names);
            }
        }
    }

    /// How many shards of a stream are written to.
    pub(super) async fn n_open_shards(&self, stream: &str) -> Option<usize> {
        let told = self.client.describe_stream_summary().stream_name(stream).send().await.ok()?;
        usize::try_from(told.stream_description_summary()?.open_shard_count()).ok()
    }

    /// Takes a consumer away again.
    pub(super) async fn deregister(&self, consumer: &str) -> Result<(), Refusal> {
        let call = self.client.deregister_stream_consumer().stream_arn(self.arn().await?).consumer_name(consumer);
        call.send().await.map(drop).map_err(|e| self.refused("kinesis:DeregisterStreamConsumer", &e))
    }
}

async fn load(settings: &Settings) -> SdkConfig {
    // One TLS library for the whole binary: `ring`, which is linked for other clients already.
    let http = aws_smithy_http_client::Builder::new()
        .tls_provider(tls::Provider::rustls(tls::rustls_provider::CryptoMode::Ring))
        .build_https();
    let timeouts = TimeoutConfig::builder().connect_timeout(CONNECT_WITHIN).operation_attempt_timeout(ANSWER_WITHIN).build();
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http)
        .timeout_config(timeouts)
        // Pauses and retries are the readers' business: they know the limits of a shard.
        .retry_config(RetryConfig::disabled())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    if let Some(region) = &settings.region {
        loader = loader.region(Region::new(region.clone()));
    }
    if let Some(Keys { id, secret, token }) = &settings.keys {
        let token = token.as_ref().map(|token| token.reveal().to_owned());
        loader = loader.credentials_provider(Credentials::new(id.reveal(), secret.reveal(), token, None, "helios options"));
    }
    loader.load().await
}

async fn credentials(settings: &Settings, config: &SdkConfig) -> Option<SharedCredentialsProvider> {
    let own = config.credentials_provider()?;
    let Some(role) = &settings.role else { return Some(own) };
    let mut assumed = AssumeRoleProvider::builder(&role.arn).session_name(&role.session).configure(config);
    if let Some(external_id) = &role.external_id {
        assumed = assumed.external_id(external_id);
    }
    Some(SharedCredentialsProvider::new(assumed.build_from_provider(own).await))
}

#[async_trait]
impl Api for Kinesis {
    async fn shards(&self) -> Result<Vec<Shard>, Refusal> {
        let mut shards = Vec::new();
        let mut next = None;
        loop {
            let call = match &next {
                // A token stands for the stream.
                Some(token) => self.client.list_shards().next_token(token),
                None => self.client.list_shards().set_stream_name(self.stream.clone()).set_stream_arn(self.arn.clone()),
            };
            let page = call.send().await.map_err(|e| self.refused("kinesis:ListShards", &e))?;
            shards.extend(page.shards().iter().map(shard));
            next = page.next_token().map(str::to_owned);
            if next.is_none() {
                return Ok(shards);
            }
        }
    }

    async fn iterator(&self, shard: &str, from: &From) -> Result<String, Refusal> {
        let call = self.client.get_shard_iterator().set_stream_name(self.stream.clone()).set_stream_arn(self.arn.clone());
        let call = call.shard_id(shard);
        let call = match from {
            From::Earliest => call.shard_iterator_type(ShardIteratorType::TrimHorizon),
            From::Time(time) => call.shard_iterator_type(ShardIteratorType::AtTimestamp).timestamp(date_time(*time)),
            From::At(sequence) => {
                call.shard_iterator_type(ShardIteratorType::AtSequenceNumber).starting_sequence_number(sequence)
            }
            From::After(sequence) => {
                call.shard_iterator_type(ShardIteratorType::AfterSequenceNumber).starting_sequence_number(sequence)
            }
        };
        let got = call.send().await.map_err(|e| self.refused("kinesis:GetShardIterator", &e))?;
        Ok(got.shard_iterator.unwrap_or_default())
    }

    async fn records(&self, iterator: &str, n_records_max: usize) -> Result<Page, Refusal> {
        let limit = i32::try_from(n_records_max).unwrap_or(i32::MAX);
        let call = self.client.get_records().shard_iterator(iterator).limit(limit).set_stream_arn(self.arn.clone());
        let got = call.send().await.map_err(|e| self.refused("kinesis:GetRecords", &e))?;
        Ok(Page {
            records: got.records.into_iter().map(raw).collect(),
            next: got.next_shard_iterator,
            behind: Duration::from_millis(got.millis_behind_latest.and_then(|ms| u64::try_from(ms).ok()).unwrap_or(0)),
        })
    }

    async fn register(&self, consumer: &str) -> Result<String, Refusal> {
        let stream = self.arn().await?;
        let call = self.client.register_stream_consumer().stream_arn(&stream).consumer_name(consumer);
        // One of this name may be there already: ours, from before.
        if let Err(error) = call.send().await {
            let refusal = self.refused("kinesis:RegisterStreamConsumer", &error);
            if refusal.why != Why::Busy {
                return Err(refusal);
            }
        }
        for _ in 0..CONSUMER_POLLS_MAX {
            let call = self.client.describe_stream_consumer().stream_arn(&stream).consumer_name(consumer);
            let told = call.send().await.map_err(|e| self.refused("kinesis:DescribeStreamConsumer", &e))?;
            if let Some(consumer) = told.consumer_description().filter(|c| *c.consumer_status() == ConsumerStatus::Active) {
                return Ok(consumer.consumer_arn().to_owned());
            }
            sleep(CONSUMER_POLL).await;
        }
        let error = named(
            Kind::Unavailable,
            "consumer_not_active",
            &self.what,
            format!("the consumer {consumer} does not become active"),
        );
        Err(Refusal { why: Why::Busy, error })
    }

    async fn subscribe(&self, consumer_arn: &str, shard: &str, from: &From) -> Result<Pages, Refusal> {
        let position = StartingPosition::builder();
        let position = match from {
            From::Earliest => position.r#type(ShardIteratorType::TrimHorizon),
            From::Time(time) => position.r#type(ShardIteratorType::AtTimestamp).timestamp(date_time(*time)),
            From::At(sequence) => position.r#type(ShardIteratorType::AtSequenceNumber).sequence_number(sequence),
            From::After(sequence) => position.r#type(ShardIteratorType::AfterSequenceNumber).sequence_number(sequence),
        };
        let position = position.build().expect("every starting position has a type");
        let call = self.client.subscribe_to_shard().consumer_arn(consumer_arn).shard_id(shard).starting_position(position);
        let subscribed = call.send().await.map_err(|e| self.refused("kinesis:SubscribeToShard", &e))?;
        let what = self.what.clone();
        let pages = futures::stream::unfold((subscribed.event_stream, what), |(mut events, what)| async move {
            loop {
                let event = match timeout(PUSH_WITHIN, events.recv()).await {
                    Ok(Ok(event)) => event?,
                    Ok(Err(SdkError::ServiceError(error))) => {
                        let refusal = answer(&what, "kinesis:SubscribeToShard", error.err());
                        return Some((Err(refusal), (events, what)));
                    }
                    Ok(Err(error)) => {
                        let refusal = trouble::unreachable(&what, &error);
                        return Some((Err(refusal), (events, what)));
                    }
                    // Whoever reads subscribes again.
                    Err(_) => return None,
                };
                if let SubscribeToShardEventStream::SubscribeToShardEvent(event) = event {
                    return Some((Ok(pushed(event)), (events, what)));
                }
            }
        });
        Ok(pages.boxed())
    }
}

fn shard(shard: &types::Shard) -> Shard {
    let parents = [shard.parent_shard_id(), shard.adjacent_parent_shard_id()];
    let hash = |text: Option<&str>, otherwise| text.and_then(|text| text.parse().ok()).unwrap_or(otherwise);
    let hashes = shard.hash_key_range();
    Shard {
        id: shard.shard_id().to_owned(),
        parents: parents.into_iter().flatten().map(str::to_owned).collect(),
        hashes: (hash(hashes.map(|h| h.starting_hash_key()), 0), hash(hashes.map(|h| h.ending_hash_key()), u128::MAX)),
        is_closed: shard.sequence_number_range().is_some_and(|range| range.ending_sequence_number().is_some()),
    }
}

fn pushed(event: types::SubscribeToShardEvent) -> Page {
    let is_last = !event.child_shards().is_empty() || event.continuation_sequence_number().is_empty();
    Page {
        behind: Duration::from_millis(u64::try_from(event.millis_behind_latest()).unwrap_or(0)),
        next: (!is_last).then_some(event.continuation_sequence_number),
        records: event.records.into_iter().map(raw).collect(),
    }
}

fn raw(record: types::Record) -> Raw {
    // The service writes milliseconds as a fraction that no binary number is equal to.
    let millis = |at: DateTime| at.secs() * 1_000 + i64::from((at.subsec_nanos() + 500_000) / 1_000_000);
    let time = record.approximate_arrival_timestamp.map_or(0, millis) * 1_000;
    Raw { sequence: record.sequence_number, time: Timestamp(time), key: record.partition_key, data: record.data.into_inner() }
}

fn date_time(time: Timestamp) -> DateTime {
    DateTime::from_millis(time.0.div_euclid(1_000))
}
