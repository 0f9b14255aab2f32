//! Gnocchi: measures of resources, as samples.
//!
//! A sample stands at the start of its interval, as Gnocchi says it. Intervals that are not over at the moment of the
//! look are left for the next one, because their value still changes.

use super::catalogue::Endpoint;
use super::number::{moment, scaled};
use super::paging::Paging;
use super::reading::{Ask, Reading};
use super::{MetricMapping, OpenStackConfig, OpenStackError, Place};
use domain::collect::Sample;
use kernel::{Instant, Quantity};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

#[derive(Debug, Deserialize)]
struct Resource {
    id: String,
    #[serde(default)]
    metrics: BTreeMap<String, String>,
    /// Attributes of the resource's type stand beside the fields.
    #[serde(flatten)]
    attributes: BTreeMap<String, serde_json::Value>,
}

/// Start of the interval, its length, its value as written.
#[derive(Deserialize)]
struct Point(String, Box<RawValue>, Box<RawValue>);

/// The samples of all metrics that are mapped.
///
/// Errors: any page that fails; a value that is negative or no number; values of several resources that do not add up.
pub(super) async fn read(
    reading: &mut Reading<'_>,
    endpoint: &Endpoint,
    config: &OpenStackConfig,
    now: Instant,
) -> Result<Vec<Sample>, OpenStackError> {
    let mut sums = BTreeMap::new();
    for mapping in &config.metrics {
        let path = format!("/resource/{}", mapping.resource_type);
        let ask = Ask {
            endpoint,
            path: &path,
            query: Vec::new(),
            paging: Paging::Header,
        };
        for resource in reading.list::<Resource>(ask).await? {
            let Some(metric) = resource.metrics.get(&mapping.metric) else {
                continue;
            };
            let path = format!("/metric/{metric}/measures");
            let query = window(mapping, config.changes_since, now);
            let query: Vec<_> = query.iter().map(|(k, v)| (*k, v.as_str())).collect();
            let points: Vec<Point> = reading.one(endpoint, &path, &query).await?;
            let place = Place {
                service: endpoint.service,
                url: endpoint.at(&path).to_string(),
            };
            let native_id = native_id(&resource, mapping);
            add(
                &mut sums,
                &native_id,
                points,
                mapping,
                (config.changes_since, now),
                &place,
            )?;
        }
    }
    Ok(sums
        .into_iter()
        .map(|((native_id, measure, at), value)| Sample {
            native_id,
            measure,
            at,
            value,
        })
        .collect())
}

fn native_id(resource: &Resource, mapping: &MetricMapping) -> String {
    let named = resource
        .attributes
        .get(&mapping.native_id_attribute)
        .and_then(|v| v.as_str());
    named.unwrap_or(&resource.id).to_owned()
}

/// What is asked for: intervals that begin before now, from the one that holds the look before.
fn window(mapping: &MetricMapping, since: Option<Instant>, now: Instant) -> Vec<(&'static str, String)> {
    let mut query = vec![
        ("aggregation", mapping.aggregation.clone()),
        ("granularity", mapping.granularity_s.to_string()),
        ("stop", now.to_string()),
    ];
    if let Some(since) = since {
        query.push(("start", since.plus_s(-i64::from(mapping.granularity_s)).to_string()));
    }
    query
}

type Sums = BTreeMap<(String, domain::registry::Measure, Instant), Quantity>;

fn add(
    sums: &mut Sums,
    native_id: &str,
    points: Vec<Point>,
    mapping: &MetricMapping,
    (since, now): (Option<Instant>, Instant),
    place: &Place,
) -> Result<(), OpenStackError> {
    let malformed = |cause: String| OpenStackError::Malformed {
        place: place.clone(),
        cause,
    };
    for Point(at, granularity, value) in points {
        if scaled(granularity.get(), kernel::Ratio::ONE) != Quantity::from_whole(i64::from(mapping.granularity_s)) {
            continue;
        }
        let at = moment(&at).map_err(|e| malformed(e.to_string()))?;
        let end = at.plus_s(i64::from(mapping.granularity_s));
        if end > now || since.is_some_and(|since| end <= since) {
            continue;
        }
        let value = scaled(value.get(), mapping.scale).ok_or_else(|| {
            malformed(format!(
                "资源 {native_id} 的指标 {} 在 {at} 的值 {} 不可用",
                mapping.metric,
                value.get()
            ))
        })?;
        let sum = sums.entry((native_id.to_owned(), mapping.measure, at)).or_default();
        *sum = sum
            .checked_add(value)
            .ok_or_else(|| malformed(format!("资源 {native_id}: 数值超出范围")))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::Service;
    use super::*;
    use domain::registry::Measure;
    use kernel::Ratio;

    fn mapping() -> MetricMapping {
        MetricMapping {
            metric: "network.outgoing.bytes.rate".into(),
            resource_type: "instance_network_interface".into(),
            native_id_attribute: "instance_id".into(),
            aggregation: "mean".into(),
            granularity_s: 300,
            measure: Measure::BandwidthMbps,
            scale: Ratio::new(8, 1_000_000).unwrap(),
        }
    }

    fn at(text: &str) -> Instant {
        text.parse().unwrap()
    }

    fn sums(texts: &[&str], since: Option<Instant>, now: Instant) -> Result<Vec<(Instant, String)>, OpenStackError> {
        let place = Place {
            service: Service::Metric,
            url: String::new(),
        };
        let mut sums = Sums::new();
        for text in texts {
            add(
                &mut sums,
                "s1",
                serde_json::from_str(text).unwrap(),
                &mapping(),
                (since, now),
                &place,
            )?;
        }
        Ok(sums
            .into_iter()
            .map(|((_, _, at), value)| (at, value.to_string()))
            .collect())
    }

    #[test]
    fn ports_of_one_server_add_up_and_open_intervals_wait() {
        let one = r#"[["2026-03-01T00:00:00+00:00", 300.0, 125000.0], ["2026-03-01T00:05:00+00:00", 300.0, 1.0]]"#;
        let two = r#"[["2026-03-01T00:00:00+00:00", 300.0, 250000.5], ["2026-03-01T00:00:00+00:00", 3600.0, 7.0]]"#;
        let got = sums(&[one, two], None, at("2026-03-01T00:09:59Z")).unwrap();
        // (125000 + 250000.5) x 8 / 10^6 = 1 + 2.000004
        assert_eq!(got, [(at("2026-03-01T00:00:00Z"), "3.000004".to_owned())]);
    }

    #[test]
    fn an_interval_that_ended_by_the_look_before_is_not_new() {
        let points = r#"[["2026-03-01T00:00:00+00:00", 300.0, 0.0], ["2026-03-01T00:05:00+00:00", 300.0, 0.0]]"#;
        let got = sums(&[points], Some(at("2026-03-01T00:05:00Z")), at("2026-03-01T01:00:00Z")).unwrap();
        assert_eq!(
            got.iter().map(|(t, _)| *t).collect::<Vec<_>>(),
            [at("2026-03-01T00:05:00Z")]
        );
    }

    #[test]
    fn a_value_that_is_none_is_an_error_not_a_zero() {
        for value in ["-1.0", "null", "\"5\""] {
            let points = format!(r#"[["2026-03-01T00:00:00+00:00", 300.0, {value}]]"#);
            assert!(sums(&[&points], None, at("2026-03-02")).is_err(), "{value}");
        }
    }
}
