//! The places to sign, filled with the opinions that still stand.

use crate::names::Names;
use documents::statement::SignaturePlace;
use domain::registry::Side;
use domain::settle::{Opinion, Step};
use kernel::Day;

/// Sides in the order of signing. On a department's statement the provider signs last and gives no opinion in the
/// flow; its own statement it confirms first, in the place of the unit.
const ORDER: [Side; 5] = [
    Side::Unit,
    Side::Supervisor,
    Side::CostAssessor,
    Side::Authority,
    Side::Provider,
];

/// The opinions that still stand, one a side at most: a return takes away the agreement of the side before it.
pub(super) fn standing(opinions: &[Opinion]) -> Vec<&Opinion> {
    let mut standing: Vec<&Opinion> = Vec::new();
    for opinion in opinions {
        standing.retain(|before| before.side != opinion.side);
        if opinion.step == Step::Return {
            let place = ORDER.iter().position(|side| *side == opinion.side);
            let before = place.and_then(|place| ORDER.get(place.checked_sub(1)?));
            standing.retain(|earlier| Some(&earlier.side) != before);
            // A provider's own statement is confirmed by the provider, where another is by the unit.
            if before == Some(&Side::Unit) {
                standing.retain(|earlier| earlier.side != Side::Provider);
            }
        }
        standing.push(opinion);
    }
    standing
}

/// The places of a statement. `department` is none for the statement of a whole provider, which no unit confirms.
pub(super) fn places(
    names: &Names,
    opinions: &[Opinion],
    department: Option<&str>,
    provider: &str,
) -> Vec<SignaturePlace> {
    let standing = standing(opinions);
    let mut places = Vec::new();
    for (mut place, side) in SignaturePlace::usual().into_iter().zip(ORDER) {
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

    fn opinion(side: Side, step: Step, actor: &str) -> Opinion {
        let at = "2026-04-05 09:30:00".parse().unwrap();
        Opinion {
            actor: actor.into(),
            side,
            step,
            text: String::new(),
            at,
        }
    }

    fn who(opinions: &[Opinion]) -> Vec<&str> {
        standing(opinions).iter().map(|o| o.actor.as_str()).collect()
    }

    #[test]
    fn a_return_takes_the_agreement_before_it_away() {
        let agreed = [
            opinion(Side::Unit, Step::Agree, "单位甲"),
            opinion(Side::Supervisor, Step::Agree, "监理乙"),
            opinion(Side::CostAssessor, Step::Return, "造价丙"),
        ];
        assert_eq!(who(&agreed), ["单位甲", "造价丙"]);
        let mut again = agreed.to_vec();
        again.push(opinion(Side::Supervisor, Step::Agree, "监理丁"));
        again.push(opinion(Side::CostAssessor, Step::Agree, "造价戊"));
        let whole_provider = [
            opinion(Side::Provider, Step::Agree, "云商甲"),
            opinion(Side::Supervisor, Step::Return, "监理乙"),
        ];
        assert_eq!(who(&whole_provider), ["监理乙"]);
        assert_eq!(who(&again), ["单位甲", "监理丁", "造价戊"]);
    }

    #[test]
    fn words_and_days_as_on_paper() {
        let mut opinion = opinion(Side::Unit, Step::Agree, "单位甲");
        assert_eq!(
            (words(&opinion).as_str(), printed(opinion.at.day()).as_str()),
            ("同意", "2026年4月5日")
        );
        opinion.text = " 数量无误 ".into();
        assert_eq!(words(&opinion), "同意：数量无误");
    }
}
