//! The places to sign, filled with the opinions that still stand.

use crate::names::Names;
use documents::statement::SignaturePlace;
use domain::registry::Side;
use domain::settle::{Opinion, SIGNING_ORDER, standing_opinions};
use kernel::Day;

/// The places of a statement. `department` is none for the statement of a whole provider, which no unit confirms.
pub(super) fn places(
    names: &Names,
    opinions: &[Opinion],
    department: Option<&str>,
    provider: &str,
) -> Vec<SignaturePlace> {
    let standing = standing_opinions(opinions);
    let mut places = Vec::new();
    for (mut place, side) in SignaturePlace::usual().into_iter().zip(SIGNING_ORDER) {
        let opinion = standing.iter().find(|opinion| opinion.side == side);
        if side == Side::Unit && department.is_none() && opinion.is_none() {
            continue;
        }
        place.organisation = match side {
            Side::Unit => department.map(|code| names.organisation(code)),
            Side::Provider => Some(names.organisation(provider)),
            Side::Authority => names.authority().map(|o| o.name.clone()),
            _ => names.only(side).map(|o| o.name.clone()),
        }
        .unwrap_or_default();
        if let Some(opinion) = opinion {
            place.opinion = words(opinion);
            place.signer = opinion.actor.clone();
            place.date = printed(opinion.at.day());
        }
        places.push(place);
    }
    places
}

fn words(opinion: &Opinion) -> String {
    match opinion.text.trim() {
        "" => opinion.step.zh().to_owned(),
        text => format!("{}：{text}", opinion.step.zh()),
    }
}

/// `2026年4月5日`.
fn printed(day: Day) -> String {
    let text = day.to_string();
    let mut parts = text.split('-').map(|part| part.trim_start_matches('0'));
    match (parts.next(), parts.next(), parts.next()) {
        (Some(year), Some(month), Some(day)) => format!("{year}年{month}月{day}日"),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::settle::Step;

    #[test]
    fn words_and_days_as_on_paper() {
        let mut opinion = Opinion {
            actor: "单位甲".into(),
            side: Side::Unit,
            step: Step::Agree,
            text: String::new(),
            at: "2026-04-05 09:30:00".parse().unwrap(),
        };
        assert_eq!(
            (words(&opinion).as_str(), printed(opinion.at.day()).as_str()),
            ("同意", "2026年4月5日")
        );
        opinion.text = " 数量无误 ".into();
        assert_eq!(words(&opinion), "同意：数量无误");
    }
}
