//! The rows of inventory and samples: templates, and the fast way from bytes to observations.
//!
//! Cells are parsed where they lie in the file; the same few specifications of a file are parsed once.

use crate::tabular::cells::{Broken, CsvRows};
use crate::tabular::text::{bare, decode};
use crate::tabular::{Column, Places, Template, clip, match_heading, note, unreadable};
use domain::collect::{Observation, ObservedState, Sample};
use domain::registry::{Measure, ResourceKind, Spec};
use kernel::{Faults, Instant, Quantity};
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::fmt::Display;
use std::str::FromStr;

const fn column(
    field: &'static str,
    zh: &'static str,
    required: bool,
    note_zh: &'static str,
    example: &'static str,
) -> Column {
    Column {
        field,
        zh,
        required,
        note_zh,
        example,
    }
}

const MOMENT: &str = "带时区的时间，或北京时间";

/// Inventory: one row a resource that the node showed.
pub static INVENTORY: Template = Template {
    kind: "inventory",
    title_zh: "资源清单",
    columns: &[
        column(
            "native_id",
            "资源编号",
            true,
            "节点自己的资源编号，永不重复使用",
            "5f0c7a1e-2f63-4b0e-9d0e-6d6f3c1b9a10",
        ),
        column("kind", "资源类型", true, "资源的种类", "server"),
        column("class", "类别", false, "种类下的小类，没有可不填", "ssd"),
        column("name", "名称", false, "资源名称，不用于匹配", "web-01"),
        column("project", "项目", true, "所属项目（租户）", "gov-d001"),
        column("zone", "可用区", false, "可用区，用于对应资源池", "az-1"),
        column("state", "状态", true, "资源的状态", "live"),
        column("native_state", "原始状态", false, "节点自己的状态用词", "ACTIVE"),
        column("spec", "规格", false, "规格，未知可不填", "vcpu=4 memory_gib=8"),
        column("created_at", "创建时间", false, MOMENT, "2026-03-01T08:30:00+08:00"),
        column("changed_at", "变更时间", false, MOMENT, "2026-03-01T08:30:00+08:00"),
        column("deleted_at", "删除时间", false, MOMENT, "2026-03-31T18:00:00+08:00"),
        column(
            "parent",
            "所属资源",
            false,
            "所挂靠资源的编号",
            "5f0c7a1e-2f63-4b0e-9d0e-6d6f3c1b9a10",
        ),
        column("system", "信息系统", false, "标签中的信息系统编码", "S001"),
    ],
};

/// Samples: one row a measured value.
pub static SAMPLES: Template = Template {
    kind: "samples",
    title_zh: "采样数据",
    columns: &[
        column(
            "native_id",
            "资源编号",
            true,
            "节点自己的资源编号",
            "5f0c7a1e-2f63-4b0e-9d0e-6d6f3c1b9a10",
        ),
        column("measure", "指标", true, "采样的指标", "storage_gib"),
        column("at", "采样时间", true, MOMENT, "2026-03-01T08:30:00+08:00"),
        column("value", "数值", true, "不小于零，至多六位小数", "120.5"),
    ],
};

/// The resources of an inventory. What is not handed over has a fault.
pub(super) fn inventory(bytes: &[u8], faults: &mut Faults) -> Vec<Observation> {
    let mut rows_of: HashMap<Cow<'_, str>, u64> = HashMap::new();
    let mut specs: HashMap<String, Spec> = HashMap::new();
    let Some(text) = text_of(bytes, faults) else {
        return Vec::new();
    };
    each_row(&text, &INVENTORY, faults, |row, faults| {
        let native_id = row.cow("native_id");
        let observation = observation(row, &mut specs, faults);
        if let Some(first) = rows_of.get(&native_id) {
            row.fault(
                "native_id",
                format!("与第 {first} 行重复，一批中每个资源只能出现一次"),
                faults,
            );
            return None;
        }
        rows_of.insert(native_id, row.number);
        observation
    })
}

fn observation(row: &RowCells<'_, '_>, specs: &mut HashMap<String, Spec>, faults: &mut Faults) -> Option<Observation> {
    let before = faults.len();
    let native_id = row.required_text("native_id", faults);
    let project = row.required_text("project", faults);
    let kind: Option<ResourceKind> = row.required("kind", faults);
    let state: Option<ObservedState> = row.required("state", faults);
    let spec = row.spec(specs, faults);
    let created_at: Option<Instant> = row.optional("created_at", faults);
    let changed_at: Option<Instant> = row.optional("changed_at", faults);
    let deleted_at: Option<Instant> = row.optional("deleted_at", faults);
    if faults.len() != before {
        return None;
    }
    Some(Observation {
        native_id: native_id?,
        kind: kind?,
        class: row.text("class").to_owned(),
        name: row.text("name").to_owned(),
        project: project?,
        zone: row.text("zone").to_owned(),
        state: state?,
        native_state: row.text("native_state").to_owned(),
        spec,
        created_at,
        changed_at,
        deleted_at,
        parent: row.optional_text("parent"),
        system_tag: row.optional_text("system"),
    })
}

/// The values of a file of samples. What is not handed over has a fault.
pub(super) fn samples(bytes: &[u8], faults: &mut Faults) -> Vec<Sample> {
    let mut known: HashSet<(Cow<'_, str>, Measure, Instant)> = HashSet::new();
    let Some(text) = text_of(bytes, faults) else {
        return Vec::new();
    };
    each_row(&text, &SAMPLES, faults, |row, faults| {
        let native_id = row.required_text("native_id", faults);
        let measure: Option<Measure> = row.required("measure", faults);
        let at: Option<Instant> = row.required("at", faults);
        let value: Option<Quantity> = row.required("value", faults);
        let sample = Sample {
            native_id: native_id?,
            measure: measure?,
            at: at?,
            value: value?,
        };
        if !known.insert((row.cow("native_id"), sample.measure, sample.at)) {
            row.fault(
                "at",
                "同一资源、同一指标、同一时间的采样出现了两次，请只保留一行",
                faults,
            );
        }
        Some(sample)
    })
}

fn text_of<'b>(bytes: &'b [u8], faults: &mut Faults) -> Option<Cow<'b, str>> {
    if bytes.is_empty() {
        note(
            faults,
            0,
            "",
            "文件是空的，没有标题行；没有资源时也应有标题行，请重新交付",
        );
        return None;
    }
    let bad = |row: u64, encoding: &str| {
        format!("第 {row} 行起有无法识别的文字（按 {encoding} 读取），请用 UTF-8 编码重新交付")
    };
    decode(bytes)
        .map_err(|e| note(faults, 0, "", bad(e.row, e.encoding)))
        .ok()
}

/// Goes through the rows under a heading that fits the template, and collects what `read` makes of them.
fn each_row<'a, T>(
    text: &'a str,
    template: &'static Template,
    faults: &mut Faults,
    mut read: impl FnMut(&RowCells<'a, '_>, &mut Faults) -> Option<T>,
) -> Vec<T> {
    let mut rows = CsvRows::new(text);
    let mut cells = Vec::with_capacity(template.columns.len());
    let Some(heading_row) = next(&mut rows, &mut cells, faults) else {
        if faults.is_empty() {
            note(faults, 0, "", "文件里没有标题行，请重新交付");
        }
        return Vec::new();
    };
    let heading = cells.clone();
    let Some(places) = match_heading(&heading, heading_row, template, faults) else {
        return Vec::new();
    };
    let by_field: Vec<_> = template
        .columns
        .iter()
        .map(|c| (c.field, places.place(c.field)))
        .collect();
    let mut all = Vec::new();
    while let Some(number) = next(&mut rows, &mut cells, faults) {
        if cells.len() != heading.len() {
            let message = format!(
                "这一行有 {} 列，标题有 {} 列，请检查分隔符和引号",
                cells.len(),
                heading.len()
            );
            note(faults, number, "", message);
            continue;
        }
        let row = RowCells {
            number,
            cells: &cells,
            heading: &heading,
            by_field: &by_field,
            places: &places,
        };
        all.extend(read(&row, faults));
    }
    all
}

fn next<'a>(rows: &mut CsvRows<'a>, cells: &mut Vec<Cow<'a, str>>, faults: &mut Faults) -> Option<u64> {
    rows.next(cells)
        .map_err(|broken| match broken {
            Broken::Unfinished { row } => note(faults, row, "", "引号没有结束文件就断了，文件不完整，请重新交付"),
            Broken::Quote { row } => note(faults, row, "", "引号使用不对：单元格里的引号应写成两个"),
        })
        .ok()
        .flatten()
}

/// The cells of one row, by the fields of the template.
struct RowCells<'a, 'r> {
    number: u64,
    cells: &'r [Cow<'a, str>],
    heading: &'r [Cow<'a, str>],
    by_field: &'r [(&'static str, Option<usize>)],
    places: &'r Places,
}

impl<'a> RowCells<'a, '_> {
    fn cell(&self, field: &str) -> Option<&Cow<'a, str>> {
        let place = self
            .by_field
            .iter()
            .find(|(name, _)| *name == field)
            .and_then(|(_, place)| *place);
        place.and_then(|place| self.cells.get(place))
    }

    fn text(&self, field: &str) -> &str {
        self.cell(field).map_or("", |cell| bare(cell))
    }

    /// As [`Self::text`], borrowed from the file where it can be.
    fn cow(&self, field: &str) -> Cow<'a, str> {
        match self.cell(field) {
            Some(Cow::Borrowed(text)) => Cow::Borrowed(bare(text)),
            Some(Cow::Owned(text)) => Cow::Owned(bare(text).to_owned()),
            None => Cow::Borrowed(""),
        }
    }

    fn required_text(&self, field: &str, faults: &mut Faults) -> Option<String> {
        let text = self.text(field);
        if text.is_empty() {
            self.fault(field, "这一格必须填写", faults);
        }
        (!text.is_empty()).then(|| text.to_owned())
    }

    fn optional_text(&self, field: &str) -> Option<String> {
        Some(self.text(field))
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
    }

    fn required<T: FromStr<Err: Display>>(&self, field: &str, faults: &mut Faults) -> Option<T> {
        if self.text(field).is_empty() {
            self.fault(field, "这一格必须填写", faults);
        }
        self.optional(field, faults)
    }

    fn optional<T: FromStr<Err: Display>>(&self, field: &str, faults: &mut Faults) -> Option<T> {
        let text = self.text(field);
        if text.is_empty() {
            return None;
        }
        text.parse()
            .map_err(|error| self.fault(field, unreadable(text, error), faults))
            .ok()
    }

    fn spec(&self, known: &mut HashMap<String, Spec>, faults: &mut Faults) -> Spec {
        let text = self.text("spec");
        if let Some(spec) = known.get(text) {
            return spec.clone();
        }
        let spec: Spec = self.optional("spec", faults).unwrap_or_default();
        known.insert(text.to_owned(), spec.clone());
        spec
    }

    fn fault(&self, field: &str, message: impl Display, faults: &mut Faults) {
        let Some((column, place)) = self.places.of(field) else {
            return note(faults, self.number, field, message);
        };
        let heading = place
            .and_then(|place| self.heading.get(place))
            .map_or(column.zh, |heading| bare(heading));
        note(
            faults,
            self.number,
            &clip(heading),
            format!("{message}，例如 {}", column.example),
        );
    }
}
