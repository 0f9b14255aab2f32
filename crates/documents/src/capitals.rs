//! Amounts in Chinese capitals (人民币大写), as cheques and statements carry them.
//!
//! Source: 《正确填写票据和结算凭证的基本规定》 (支付结算办法, annex 1). Where that text leaves a choice, this module
//! always takes the same one: 整 closes an amount that ends in yuan or in jiao; a zero of the yuan or ten thousands
//! place alone is not spoken; 拾 is always preceded by its digit.

use kernel::Money;

const DIGITS: [char; 10] = ['零', '壹', '贰', '叁', '肆', '伍', '陆', '柒', '捌', '玖'];
const PLACES: [&str; 4] = ["", "拾", "佰", "仟"];
const TEN_THOUSAND: u64 = 10_000;
const HUNDRED_MILLION: u64 = 100_000_000;

/// The amount in capitals, with `人民币` in front and `负` before a negative one.
///
/// Example: 1,000,056.07 yuan is `人民币壹佰万零伍拾陆元零柒分`.
pub fn capitals(amount: Money) -> String {
    let fen = amount.fen().unsigned_abs();
    let (yuan, jiao, fen) = (fen / 100, fen / 10 % 10, fen % 10);
    let mut text = String::from(if amount.fen() < 0 { "人民币负" } else { "人民币" });
    if yuan > 0 || (jiao == 0 && fen == 0) {
        if yuan == 0 {
            text.push(digit(0));
        }
        write_whole(&mut text, yuan);
        text.push('元');
    }
    if jiao > 0 {
        text.push(digit(jiao));
        text.push('角');
    } else if fen > 0 && yuan > 0 {
        text.push(digit(0));
    }
    if fen > 0 {
        text.push(digit(fen));
        text.push('分');
    } else {
        text.push('整');
    }
    text
}

fn digit(value: u64) -> char {
    usize::try_from(value % 10)
        .ok()
        .and_then(|place| DIGITS.get(place))
        .copied()
        .unwrap_or('零')
}

/// Writes a whole number below 10^16 x 10^8; nothing for zero.
fn write_whole(text: &mut String, number: u64) {
    let (high, low) = (number / HUNDRED_MILLION, number % HUNDRED_MILLION);
    if high > 0 {
        write_whole(text, high);
        text.push('亿');
        if low > 0 && low < HUNDRED_MILLION / 10 {
            text.push(digit(0));
        }
    }
    let (ten_thousands, rest) = (low / TEN_THOUSAND, low % TEN_THOUSAND);
    if ten_thousands > 0 {
        write_group(text, ten_thousands);
        text.push('万');
        if rest > 0 && rest < TEN_THOUSAND / 10 {
            text.push(digit(0));
        }
    }
    write_group(text, rest);
}

/// Writes up to four digits, zeros between digits as one 零, none at the ends.
fn write_group(text: &mut String, group: u64) {
    let mut skipped = false;
    let mut started = false;
    let mut unit = 1000;
    for place in PLACES.iter().rev() {
        let value = group / unit % 10;
        unit /= 10;
        if value == 0 {
            skipped = started;
            continue;
        }
        if skipped {
            text.push(digit(0));
        }
        text.push(digit(value));
        text.push_str(place);
        (started, skipped) = (true, false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn worked_by_hand() {
        // The first seven are the examples of the regulation itself, in its form without the optional 零.
        for (fen, text) in [
            (140_950, "壹仟肆佰零玖元伍角整"),
            (600_714, "陆仟零柒元壹角肆分"),
            (168_032, "壹仟陆佰捌拾元叁角贰分"),
            (10_700_053, "壹拾万柒仟元伍角叁分"),
            (1_640_902, "壹万陆仟肆佰零玖元零贰分"),
            (32_504, "叁佰贰拾伍元零肆分"),
            (1_000_000, "壹万元整"),
            (100_005_607, "壹佰万零伍拾陆元零柒分"),
            (100_000_000, "壹佰万元整"),
            (0, "零元整"),
            (5, "伍分"),
            (50, "伍角整"),
            (55, "伍角伍分"),
            (1_000, "壹拾元整"),
            (1_001, "壹拾元零壹分"),
            (101_000_000, "壹佰零壹万元整"),
            (10_000_000_000, "壹亿元整"),
            (10_000_000_100, "壹亿零壹元整"),
            (10_001_000_000, "壹亿零壹万元整"),
            (11_000_000_000, "壹亿壹仟万元整"),
            (1_000_000_000_000, "壹佰亿元整"),
            (100_000_000_000_000, "壹万亿元整"),
            (
                99_999_999_999_999,
                "玖仟玖佰玖拾玖亿玖仟玖佰玖拾玖万玖仟玖佰玖拾玖元玖角玖分",
            ),
        ] {
            assert_eq!(capitals(Money::from_fen(fen)), format!("人民币{text}"), "{fen} fen");
        }
        assert_eq!(capitals(Money::from_fen(-123_400)), "人民币负壹仟贰佰叁拾肆元整");
        assert!(capitals(Money::from_fen(i64::MIN)).starts_with("人民币负玖亿贰仟"));
    }

    /// Reads capitals back: place words multiply the digit before them, 万 and 亿 what stands before them.
    fn read_back(text: &str) -> i128 {
        let text = text.strip_prefix("人民币").unwrap();
        let (sign, text) = text.strip_prefix('负').map_or((1, text), |rest| (-1, rest));
        let (yuan, small) = text.split_once('元').unwrap_or(("", text));
        let mut fen = whole(yuan) * 100;
        let mut value = 0;
        for c in small.chars() {
            match c {
                '角' => fen += value * 10,
                '分' => fen += value,
                '整' => {}
                _ => value = digit_of(c),
            }
        }
        sign * fen
    }

    fn digit_of(c: char) -> i128 {
        i128::try_from(DIGITS.iter().position(|d| *d == c).unwrap()).unwrap()
    }

    fn whole(text: &str) -> i128 {
        if let Some((high, low)) = text.rsplit_once('亿') {
            return whole(high) * 100_000_000 + whole(low);
        }
        if let Some((high, low)) = text.split_once('万') {
            return whole(high) * 10_000 + whole(low);
        }
        let (mut sum, mut value) = (0, 0);
        for c in text.chars() {
            let place = match c {
                '拾' => 10,
                '佰' => 100,
                '仟' => 1000,
                _ => {
                    value = digit_of(c);
                    continue;
                }
            };
            sum += value * place;
            value = 0;
        }
        sum + value
    }

    proptest! {
        #[test]
        fn reads_back(fen in any::<i64>(), shift in 0_u32..63) {
            let fen = fen >> shift;
            let text = capitals(Money::from_fen(fen));
            prop_assert_eq!(read_back(&text), i128::from(fen));
            prop_assert!(!text.contains("零零"), "{}", text);
        }

        #[test]
        fn round_amounts_read_back(head in 0_i64..1000, zeros in 0_u32..14, tail in 0_i64..1000) {
            let fen = head * 10_i64.pow(zeros) + tail;
            prop_assert_eq!(read_back(&capitals(Money::from_fen(fen))), i128::from(fen));
        }
    }
}
