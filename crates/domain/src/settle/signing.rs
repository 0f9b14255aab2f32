//! Who signs a statement on paper, in which order, and whose opinion still stands there.

use super::{Opinion, Step};
use crate::registry::Side;

/// Sides in the order of signing. On a department's statement the provider signs last and gives no opinion in the
/// flow; its own statement it confirms first, in the place of the unit.
pub const SIGNING_ORDER: [Side; 5] = [
    Side::Unit,
    Side::Supervisor,
    Side::CostAssessor,
    Side::Authority,
    Side::Provider,
];

/// The opinions that still stand, one a side at most: a return takes away the agreement of the side before it.
pub fn standing_opinions(opinions: &[Opinion]) -> Vec<&Opinion> {
    let mut standing: Vec<&Opinion> = Vec::new();
    for opinion in opinions {
        standing.retain(|before| before.side != opinion.side);
        if opinion.step == Step::Return {
            let place = SIGNING_ORDER.iter().position(|side| *side == opinion.side);
            let before = place.and_then(|place| SIGNING_ORDER.get(place.checked_sub(1)?));
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

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::Instant;

    fn opinion(side: Side, step: Step, actor: &str) -> Opinion {
        Opinion {
            actor: actor.into(),
            side,
            step,
            text: String::new(),
            at: Instant::from_unix_s(0),
        }
    }

    fn who(opinions: &[Opinion]) -> Vec<&str> {
        standing_opinions(opinions).iter().map(|o| o.actor.as_str()).collect()
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
}
