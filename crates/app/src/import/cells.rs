//! Cells read into values, and what is said in Chinese when one cannot be.

use domain::catalogue::{MeteringBasis, OutageRounding, Proration, ServiceForm, ServiceLayer, TierScope};
use domain::registry::{
    DataGrade, Measure, NetworkZone, PoolKind, ResourceKind, Side, Spec, SystemOrigin, SystemStatus,
};
use kernel::code::{CODE_MAX_LEN, CodeKind};
use kernel::{Code, Day, DecimalError, Factor, Faults, Instant, Money, Month, Quantity, UnitPrice};
use sources::tabular::{Column, Record};
use std::str::FromStr;

/// A column that must be there, with something in every row.
pub(crate) const fn required(
    field: &'static str,
    zh: &'static str,
    note_zh: &'static str,
    example: &'static str,
) -> Column {
    Column {
        field,
        zh,
        required: true,
        note_zh,
        example,
    }
}

/// A column that may be missing or blank.
pub(crate) const fn optional(
    field: &'static str,
    zh: &'static str,
    note_zh: &'static str,
    example: &'static str,
) -> Column {
    Column {
        field,
        zh,
        required: false,
        note_zh,
        example,
    }
}

/// Something a cell can be read into.
pub(crate) trait Cell: Sized {
    /// Reads a text that is not blank. Errors: what is wrong with it, in Chinese, to follow the text in quotes.
    fn read(text: &str) -> Result<Self, String>;
}

/// The value of a cell that must be there; `None` if a fault was noted.
pub(crate) fn must<T: Cell>(record: &Record<'_>, field: &str, faults: &mut Faults) -> Option<T> {
    record.required::<String>(field, faults)?;
    may(record, field, faults)
}

/// The value of a cell that may be blank; `None` if it is, or if a fault was noted.
pub(crate) fn may<T: Cell>(record: &Record<'_>, field: &str, faults: &mut Faults) -> Option<T> {
    let text = record.text(field);
    if text.is_empty() {
        return None;
    }
    T::read(text)
        .map_err(|why| record.fault(field, format!("「{}」{why}", clip(text)), faults))
        .ok()
}

/// The beginning of a text, for a message.
pub(crate) fn clip(text: &str) -> String {
    const SHOWN: usize = 40;
    let mut shown: String = text.chars().take(SHOWN).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}

/// Signs that people type in full width, made plain: `；：，＠＝` and blanks around them are no matter.
pub(crate) fn plain(text: &str) -> String {
    let narrow = |c: char| match c {
        '；' => ';',
        '：' => ':',
        '，' => ',',
        '＠' => '@',
        other => other,
    };
    text.chars().map(narrow).collect()
}

/// A text of one line.
pub(crate) struct Words(pub(crate) String);

impl Cell for Words {
    fn read(text: &str) -> Result<Self, String> {
        const LONGEST: usize = 500;
        if text.chars().any(char::is_control) {
            return Err("含有换行或控制字符，请写在一行内".to_owned());
        }
        if text.chars().count() > LONGEST {
            return Err(format!("超过 {LONGEST} 个字，请缩短"));
        }
        Ok(Self(text.to_owned()))
    }
}

impl<K: CodeKind> Cell for Code<K> {
    fn read(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| {
            format!("不是有效的代码：只能用字母、数字和 . _ / : -，以字母或数字开头，不超过 {CODE_MAX_LEN} 个字符")
        })
    }
}

fn decimal<T: FromStr<Err = DecimalError>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|why| match why {
        DecimalError::NotANumber(_) => "不是数字".to_owned(),
        DecimalError::TooFine { max, .. } => format!("小数超过 {max} 位；为免悄悄舍去，请按 {max} 位以内填写"),
        DecimalError::TooLarge(_) => "数字太大".to_owned(),
        DecimalError::Negative(_) => "不能为负数".to_owned(),
    })
}

macro_rules! decimals {
    ($($name:ident),*) => {$(
        impl Cell for $name {
            fn read(text: &str) -> Result<Self, String> {
                decimal(text)
            }
        }
    )*};
}
decimals!(Quantity, UnitPrice, Factor, Money);

/// An amount that is not negative.
pub(crate) struct Amount(pub(crate) Money);

impl Cell for Amount {
    fn read(text: &str) -> Result<Self, String> {
        let money = Money::read(text)?;
        if money < Money::ZERO {
            Err("不能为负数".to_owned())
        } else {
            Ok(Self(money))
        }
    }
}

/// A whole number from 1.
pub(crate) struct Number(pub(crate) u32);

impl Cell for Number {
    fn read(text: &str) -> Result<Self, String> {
        match text.parse() {
            Ok(number @ 1..) if text.bytes().all(|b| b.is_ascii_digit()) => Ok(Self(number)),
            _ => Err("不是从 1 起的整数".to_owned()),
        }
    }
}

/// A count of seconds.
pub(crate) struct Seconds(pub(crate) i64);

impl Cell for Seconds {
    fn read(text: &str) -> Result<Self, String> {
        let seconds = text.parse::<u32>().map_err(|_| "不是秒数".to_owned())?;
        Ok(Self(i64::from(seconds)))
    }
}

/// The years that a date of this field can have; what lies outside is a slip of the pen.
const FIRST_DAY: &str = "1990-01-01";
const LAST_DAY: &str = "2200-01-01";

impl Cell for Day {
    fn read(text: &str) -> Result<Self, String> {
        let day: Self = text.parse().map_err(|_| "不是日期，请写成 2026-03-01".to_owned())?;
        let within =
            |first: &str, last: &str| Some(first.parse::<Self>().ok()? <= day && day < last.parse::<Self>().ok()?);
        if within(FIRST_DAY, LAST_DAY) == Some(true) {
            Ok(day)
        } else {
            Err("年份不对，请检查".to_owned())
        }
    }
}

impl Cell for Instant {
    fn read(text: &str) -> Result<Self, String> {
        let bad = || "不是时间，请写成 2026-03-01 08:30:00（北京时间）".to_owned();
        let at = text
            .parse()
            .ok()
            .or_else(|| as_a_spreadsheet_writes(text))
            .ok_or_else(bad)?;
        Day::read(&at.day().to_string()).map_err(|_| "年份不对，请检查".to_owned())?;
        Ok(at)
    }
}

/// `2026/3/1 8:30` or `2026-3-1 8:30:00`.
fn as_a_spreadsheet_writes(text: &str) -> Option<Instant> {
    let (day, time) = text.split_once([' ', 'T'])?;
    let mut parts = time.trim().splitn(3, ':').map(|part| part.parse::<u8>().ok());
    let (hour, minute) = (parts.next()??, parts.next()??);
    let second = parts.next().unwrap_or(Some(0))?;
    let is_a_time = hour < 24 && minute < 60 && second < 60;
    let seconds = i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second);
    is_a_time.then_some(day.parse::<Day>().ok()?.start().plus_s(seconds))
}

/// When something ended. A far day such as 9999-12-31, by which some offices mean that it has not, is none.
pub(crate) struct End(pub(crate) Option<Instant>);

impl Cell for End {
    fn read(text: &str) -> Result<Self, String> {
        let far = text.trim_start().starts_with("9999") || text.trim_start().starts_with("2999");
        if far {
            Ok(Self(None))
        } else {
            Instant::read(text).map(|at| Self(Some(at)))
        }
    }
}

impl Cell for Month {
    fn read(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| "不是月份，请写成 2026-03".to_owned())
    }
}

/// A specification with at least one measure.
impl Cell for Spec {
    fn read(text: &str) -> Result<Self, String> {
        let mut spec = Self::new();
        for part in text.split_whitespace() {
            let (measure, quantity) = part.split_once('=').ok_or("应写成 vcpu=4 memory_gib=8 的形式")?;
            let name: Measure = measure.parse().map_err(|why: String| format!("中的计量项 {why}"))?;
            let quantity = Quantity::read(quantity).map_err(|why| format!("中 {measure} 的值「{quantity}」{why}"))?;
            if spec.get(name).is_some() {
                return Err(format!("中 {measure} 出现了两次"));
            }
            spec = spec.with(name, quantity);
        }
        if spec.is_empty() {
            Err("没有任何计量项".to_owned())
        } else {
            Ok(spec)
        }
    }
}

/// Yes or no.
pub(crate) struct YesNo(pub(crate) bool);

impl Cell for YesNo {
    fn read(text: &str) -> Result<Self, String> {
        match text.to_ascii_lowercase().as_str() {
            "是" | "yes" | "true" | "1" => Ok(Self(true)),
            "否" | "no" | "false" | "0" => Ok(Self(false)),
            _ => Err("不是可用的取值，请填写 是 或 否".to_owned()),
        }
    }
}

/// A level of the multi-level protection scheme, no higher than `most`.
fn level(text: &str, most: u8) -> Option<u8> {
    let level = match text.trim_start_matches('第').trim_end_matches('级') {
        "1" | "一" => 1,
        "2" | "二" => 2,
        "3" | "三" => 3,
        "4" | "四" => 4,
        "5" | "五" => 5,
        _ => return None,
    };
    (level <= most).then_some(level)
}

/// The level of a system.
pub(crate) struct MlpsLevel(pub(crate) u8);

impl Cell for MlpsLevel {
    fn read(text: &str) -> Result<Self, String> {
        let level = level(text, 4).ok_or("不是等保级别，请填 1 至 4，未定级请留空")?;
        Ok(Self(level))
    }
}

/// The level of a platform.
pub(crate) struct PlatformLevel(pub(crate) u8);

impl Cell for PlatformLevel {
    fn read(text: &str) -> Result<Self, String> {
        let level = level(text, 5).ok_or("不是等保级别，请填 1 至 5，不知道请留空")?;
        Ok(Self(level))
    }
}

impl Cell for Proration {
    fn read(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| {
            "不是折算方式，可填 按天（by_day）、按秒（by_second）、整月（whole_month）或 full_month_after_15_days（满 15 天按整月）"
                .to_owned()
        })
    }
}

macro_rules! words {
    ($($name:ident),*) => {$(
        impl Cell for $name {
            fn read(text: &str) -> Result<Self, String> {
                text.parse().map_err(|_| {
                    let words: Vec<_> = Self::ALL.iter().map(|v| format!("{}（{}）", v.zh(), v.word())).collect();
                    format!("不是可用的取值，请填写其中之一: {}", words.join("、"))
                })
            }
        }
    )*};
}
words!(
    Side,
    NetworkZone,
    DataGrade,
    SystemStatus,
    SystemOrigin,
    PoolKind,
    ResourceKind,
    Measure,
    ServiceLayer,
    ServiceForm,
    MeteringBasis,
    OutageRounding,
    TierScope
);

#[cfg(test)]
mod unit_tests {
    use super::*;
    use kernel::OrganisationCode;

    fn at(text: &str) -> String {
        Instant::read(text).map_or_else(|why| why, |at| at.to_string())
    }

    #[test]
    fn times_as_offices_write_them() {
        for text in [
            "2026-03-01 08:30:00",
            "2026/3/1 8:30",
            "2026-3-1 8:30:00",
            "2026-03-01T00:30:00Z",
        ] {
            assert_eq!(at(text), "2026-03-01T08:30:00+08:00", "{text}");
        }
        assert_eq!(at("2026/3/1"), "2026-03-01T00:00:00+08:00");
        for bad in ["2026-02-30", "2026/3/1 24:00", "2026/3/1 8", "昨天", "46082"] {
            assert!(at(bad).contains("不是时间"), "{bad}: {}", at(bad));
        }
        assert!(at("0206-03-01").contains("不是时间") || at("0206-03-01").contains("年份"));
        assert!(at("1926-03-01").contains("年份"));
        assert!(End::read("9999-12-31").is_ok_and(|end| end.0.is_none()));
    }

    #[test]
    fn numbers_are_never_bent() {
        assert_eq!(
            UnitPrice::read("0.0000001").unwrap_err(),
            "小数超过 6 位；为免悄悄舍去，请按 6 位以内填写"
        );
        assert_eq!(
            Money::read("1.005").unwrap_err(),
            "小数超过 2 位；为免悄悄舍去，请按 2 位以内填写"
        );
        assert_eq!(Quantity::read("-1").unwrap_err(), "不能为负数");
        assert!(Amount::read("-0.01").is_err() && Money::read("-0.01").is_ok());
        assert!(Number::read("0").is_err() && Number::read("+1").is_err() && Number::read("1.0").is_err());
        assert!(OrganisationCode::read("部门").unwrap_err().contains("不是有效的代码"));
        assert!(Spec::read("vcpu=x").unwrap_err().contains("「x」不是数字"));
        assert!(MlpsLevel::read("第三级").is_ok_and(|level| level.0 == 3) && MlpsLevel::read("5").is_err());
        assert!(PlatformLevel::read("五级").is_ok_and(|level| level.0 == 5) && PlatformLevel::read("6").is_err());
    }
}
