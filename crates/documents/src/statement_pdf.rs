//! The statement as a paper form in PDF (A4).
//!
//! The first page is the form that is signed: parties, sums, capitals, completeness, differences with the bill,
//! places for seals. The annexes behind it hold the tables. Every page carries the digests, its number and, unless
//! final, a watermark.
//!
//! Rule: paper is for what people read and sign. A table too long for that is printed as its sums and says where its
//! rows are; charge lines that are not printed are bound to the paper by their count, sum and digest (ADR 0011).

use crate::capitals::capitals;
use crate::display::{breakable, moment, month_zh, span};
use crate::error::DocumentError;
use crate::fonts::Fonts;
use crate::renderer::{Pdf, Renderer};
use crate::statement::{AnnexLine, BillComparison, ChargeItem, DeductionItem, Party, StatementDocument, SystemCharges};
use serde_json::{Value, json};

/// Rows of systems and items up to which a department's statement prints them all; a longer one prints its systems.
pub const ITEM_ROWS_MAX: usize = 500;
/// Charge lines up to which a statement may print them; more stand in the workbook alone.
pub const LINES_MAX: u64 = 600;
/// Rows up to which corrections and deductions are printed one by one.
pub const LISTED_ROWS_MAX: usize = 300;
const NONE: &str = "—";

/// The statement as PDF/A-2b.
///
/// The same document and fonts give the same bytes. Errors: sums that do not agree, characters without a glyph.
pub fn statement_pdf(doc: &StatementDocument, renderer: &Renderer) -> Result<Pdf, DocumentError> {
    doc.check()?;
    let ident = format!("{} v{}", doc.number, doc.version);
    renderer.typeset(&printed(doc, renderer.fonts()), &ident, doc.prepared_at)
}

/// The document as the template prints it: every figure already text, nothing left to compute.
fn printed(doc: &StatementDocument, fonts: &Fonts) -> Value {
    json!({
        "families": fonts.families(),
        "title": StatementDocument::TITLE,
        "subtitle": format!("（{}）", month_zh(doc.month)),
        "authority": doc.authority,
        "number": breakable(&doc.number),
        "watermark": watermark(doc),
        "demo": doc.is_demo,
        "facts": facts(doc),
        "contract": format!("{}（{}）", doc.contract_name, breakable(&doc.contract_number)),
        "totals": totals(doc),
        "payable": doc.totals.payable.grouped(),
        "payable_number": if doc.releases.is_empty() { "5" } else { "6" },
        "payable_formula": if doc.releases.is_empty() {
            "5 ＝ 1 ＋ 2 － 3 － 4"
        } else {
            "6 ＝ 1 ＋ 2 － 3 － 4 ＋ 5"
        },
        "capitals": capitals(doc.totals.payable),
        "completeness": doc.completeness,
        "remarks": doc.remarks,
        "bill": doc.bill.as_ref().map(bill),
        "signatures": doc.signatures,
        "systems": systems(doc),
        "charge_heads": if prints_items(doc) { ["项目编码", "服务项目"] } else { ["系统编码", "信息系统"] },
        "charges": doc.totals.charges.grouped(),
        "corrections": corrections(doc),
        "deductions": deductions(doc),
        "withheld": rows(doc.withheld.iter().map(|w| [breakable(&w.reference), w.reason.clone(), w.amount.grouped()])),
        "releases": releases(doc),
        "annex": rows(doc.annex.iter().map(annex_row)),
        "annex_note": doc.annex_note,
        "annex_binding": annex_binding(doc),
        "sums": [
            doc.totals.corrections.grouped(),
            doc.totals.deductions.grouped(),
            doc.totals.withheld.grouped(),
            doc.totals.released.grouped(),
        ],
        "inputs_digest": doc.inputs_digest,
        "lines_digest": doc.lines_digest,
    })
}

fn rows<const N: usize>(rows: impl Iterator<Item = [String; N]>) -> Value {
    rows.map(|row| Value::from(row.to_vec())).collect()
}

/// The lines of the watermark; none for a final statement of real data.
fn watermark(doc: &StatementDocument) -> Vec<String> {
    let draft = (!doc.is_final).then(|| format!("{} 第 {} 版", doc.stage, doc.version));
    draft
        .into_iter()
        .chain(doc.is_demo.then(|| "演示数据".to_owned()))
        .collect()
}

fn named(party: &Party) -> String {
    format!("{}（{}）", party.name, breakable(&party.code))
}

/// Pairs of label and text for the head of the form, two pairs a row.
fn facts(doc: &StatementDocument) -> Value {
    let department = doc
        .department
        .as_ref()
        .map_or_else(|| "全部使用单位（服务商汇总）".to_owned(), named);
    let last = doc.month.next().first_day().plus(-1);
    json!([
        ["结算单编号", breakable(&doc.number)],
        ["结算月份", month_zh(doc.month)],
        ["主管部门", doc.authority.clone()],
        ["计费区间", format!("{} 至 {last}", doc.month.first_day())],
        ["云服务商", named(&doc.provider)],
        ["版本与状态", format!("第 {} 版 · {}", doc.version, doc.stage)],
        ["使用单位", department],
        ["编制时间", moment(doc.prepared_at)],
    ])
}

/// Rows of the table of sums: number, label, what it is, amount.
fn totals(doc: &StatementDocument) -> Value {
    let totals = &doc.totals;
    let items = item_count(doc);
    let mut rows = json!([
        [
            "1",
            "本月费用",
            format!("{} 个系统，{items} 项服务，见附件一", doc.systems.len()),
            totals.charges.grouped()
        ],
        [
            "2",
            "以前月份更正",
            counted(doc.corrections.len(), "见附件二"),
            totals.corrections.grouped()
        ],
        [
            "3",
            "扣减",
            counted(doc.deductions.len(), "服务级别协议与考核，见附件三"),
            totals.deductions.grouped()
        ],
        [
            "4",
            "暂缓支付",
            counted(doc.withheld.len(), "待核实，见附件四"),
            totals.withheld.grouped()
        ],
    ]);
    // Most months release nothing, and need no row for it.
    if let (Some(rows), false) = (rows.as_array_mut(), doc.releases.is_empty()) {
        rows.push(json!([
            "5",
            "以前月份暂缓释放",
            counted(doc.releases.len(), "见附件四"),
            totals.released.grouped()
        ]));
    }
    rows
}

fn counted(count: usize, what: &str) -> String {
    if count == 0 {
        "本月无".to_owned()
    } else {
        format!("{count} 笔，{what}")
    }
}

fn bill(bill: &BillComparison) -> Value {
    let difference = bill
        .theirs
        .minus(bill.ours)
        .map_or_else(|_| String::new(), |d| d.grouped());
    json!({
        "number": format!("{}（第 {} 版）", breakable(&bill.number), bill.version),
        "ours": bill.ours.grouped(),
        "theirs": bill.theirs.grouped(),
        "difference": difference,
        "classes": rows(bill.classes.iter().map(|c| {
            [c.class.clone(), c.count.to_string(), c.amount.grouped(), c.outcome.clone()]
        })),
    })
}

fn item_count(doc: &StatementDocument) -> usize {
    doc.systems.iter().map(|system| system.items.len()).sum()
}

/// Whether the charges are printed item by item, not by system alone.
fn prints_items(doc: &StatementDocument) -> bool {
    doc.department.is_none() || item_count(doc) <= ITEM_ROWS_MAX
}

/// The charges as printed: each system with its items, or, where that is too long, the systems alone.
fn systems(doc: &StatementDocument) -> Value {
    if prints_items(doc) {
        return doc.systems.iter().map(system).collect();
    }
    let items = item_count(doc);
    let row = |system: &SystemCharges| {
        let name = system.name.clone();
        let none = || NONE.to_owned();
        [
            breakable(&system.code),
            name,
            none(),
            none(),
            none(),
            none(),
            system.subtotal.grouped(),
        ]
    };
    json!([{
        "name": format!("各系统合计（{} 个系统，{items} 项服务，逐项见同号 XLSX「费用明细」）", doc.systems.len()),
        "items": rows(doc.systems.iter().map(row)),
        "subtotal": doc.totals.charges.grouped(),
    }])
}

fn system(system: &SystemCharges) -> Value {
    let mut name = format!("{}（{}）", system.name, breakable(&system.code));
    if !system.department.is_empty() {
        name = format!("{name} · {}", system.department);
    }
    json!({
        "name": name,
        "items": rows(system.items.iter().map(item_row)),
        "subtotal": system.subtotal.grouped(),
    })
}

fn item_row(item: &ChargeItem) -> [String; 7] {
    [
        breakable(&item.item_code),
        item.item_name.clone(),
        item.unit.clone(),
        item.quantity.clone(),
        item.days.clone(),
        item.unit_price.clone(),
        item.amount.grouped(),
    ]
}

fn corrections(doc: &StatementDocument) -> Value {
    if doc.corrections.len() > LISTED_ROWS_MAX {
        let (count, place) = elsewhere(doc.corrections.len(), "更正");
        let row = [
            NONE.to_owned(),
            NONE.to_owned(),
            count,
            place,
            doc.totals.corrections.grouped(),
        ];
        return rows([row].into_iter());
    }
    rows(doc.corrections.iter().map(|c| {
        let subject = format!("{} · {}", c.system, c.item);
        [
            month_zh(c.month),
            breakable(&c.statement_number),
            subject,
            c.reason.clone(),
            c.amount.grouped(),
        ]
    }))
}

fn deductions(doc: &StatementDocument) -> Value {
    if doc.deductions.len() > LISTED_ROWS_MAX {
        let (count, place) = elsewhere(doc.deductions.len(), "扣减与暂缓");
        return rows([[count, place, doc.totals.deductions.grouped()]].into_iter());
    }
    let row = |d: &DeductionItem| [d.basis.clone(), d.reason.clone(), d.amount.grouped()];
    rows(doc.deductions.iter().map(row))
}

fn releases(doc: &StatementDocument) -> Value {
    if doc.releases.len() > LISTED_ROWS_MAX {
        let (count, place) = elsewhere(doc.releases.len(), "扣减与暂缓");
        let row = [
            NONE.to_owned(),
            NONE.to_owned(),
            count,
            place,
            doc.totals.released.grouped(),
        ];
        return rows([row].into_iter());
    }
    rows(doc.releases.iter().map(|release| {
        [
            month_zh(release.month),
            breakable(&release.statement_number),
            breakable(&release.reference),
            release.reason.clone(),
            release.amount.grouped(),
        ]
    }))
}

/// How many rows are not printed, and on which sheet of the workbook they are.
fn elsewhere(count: usize, sheet: &str) -> (String, String) {
    (format!("共 {count} 笔"), format!("逐笔见同号 XLSX「{sheet}」"))
}

/// What binds the paper to the charge lines it does not print; empty where it prints them.
fn annex_binding(doc: &StatementDocument) -> String {
    if !doc.annex.is_empty() || doc.lines.count == 0 {
        return String::new();
    }
    let (count, sum, digest) = (doc.lines.count, doc.lines.sum.grouped(), doc.lines.digest);
    format!("明细共 {count} 行，合计 {sum} 元，全部见同号 XLSX「计费明细行」。该明细的 SM3：{digest}")
}

fn annex_row(line: &AnnexLine) -> [String; 8] {
    [
        breakable(&line.line),
        breakable(&line.system),
        breakable(&line.resource),
        breakable(&line.item),
        span(line.period),
        line.quantity.clone(),
        format!("{} × {}", line.unit_price, line.factor),
        line.amount.grouped(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fonts::Fonts;
    use crate::specimen;
    use kernel::Money;

    fn renderer() -> Renderer {
        Renderer::new(Fonts::shipped()).unwrap()
    }

    fn contains(bytes: &[u8], text: &str) -> bool {
        bytes.windows(text.len()).any(|window| window == text.as_bytes())
    }

    #[test]
    fn same_document_same_bytes_on_every_thread() {
        fn sendable<T: Send + Sync + Clone>(value: &T) -> T {
            value.clone()
        }
        let doc = specimen::statement(4, false).unwrap();
        let renderer = renderer();
        let first = statement_pdf(&doc, &renderer).unwrap();
        let other = sendable(&renderer);
        let copy = doc.clone();
        let second = std::thread::spawn(move || statement_pdf(&copy, &other).unwrap())
            .join()
            .unwrap();
        let third = statement_pdf(&doc, &Renderer::new(Fonts::shipped()).unwrap()).unwrap();
        assert!(first == second && first == third);
        assert_eq!(first.pages, 3);
    }

    #[test]
    fn the_only_date_inside_is_the_one_handed_in() {
        let doc = specimen::statement(1, false).unwrap();
        let pdf = statement_pdf(&doc, &renderer()).unwrap();
        assert!(pdf.bytes.starts_with(b"%PDF-1.7"));
        assert!(contains(&pdf.bytes, "2026-04-02T10:00:00+08:00") && contains(&pdf.bytes, "pdfaid:part"));
        let later = StatementDocument {
            prepared_at: doc.prepared_at.plus_s(1),
            ..doc
        };
        let other = statement_pdf(&later, &renderer()).unwrap();
        assert!(!contains(&other.bytes, "10:00:00") && contains(&other.bytes, "2026-04-02T10:00:01+08:00"));
    }

    #[test]
    fn characters_without_glyph_are_named_instead_of_printed() {
        let mut doc = specimen::statement(1, false).unwrap();
        doc.signatures[0].signer = "张㛃".to_owned();
        doc.systems[0].name = "𠮷祥系统\u{7}".to_owned();
        let fault = statement_pdf(&doc, &renderer()).unwrap_err();
        assert!(
            matches!(&fault, DocumentError::MissingGlyphs(c) if *c == ['\u{7}', '㛃', '𠮷']),
            "{fault}"
        );
        assert!(fault.to_string().contains("㛃 (U+36C3)"), "{fault}");
    }

    #[test]
    fn text_is_never_read_as_markup() {
        let mut doc = specimen::statement(1, false).unwrap();
        let plain = statement_pdf(&doc, &renderer()).unwrap();
        doc.systems[0].items[0].item_name = "#panic(1) *a* _b_ $x$ \\ [c] @d <e> // f ` \" = g".to_owned();
        doc.stage = "#read(1)".to_owned();
        doc.remarks = vec!["#while true {}".to_owned()];
        assert_eq!(statement_pdf(&doc, &renderer()).unwrap().pages, plain.pages);
    }

    #[test]
    fn a_document_that_does_not_add_up_is_refused() {
        let mut doc = specimen::statement(1, false).unwrap();
        doc.totals.payable = Money::from_fen(1);
        assert!(matches!(
            statement_pdf(&doc, &renderer()),
            Err(DocumentError::Unbalanced { .. })
        ));
    }

    #[test]
    fn an_empty_month_is_a_document_too() {
        let mut doc = specimen::statement(0, true).unwrap();
        doc.corrections.clear();
        doc.deductions.clear();
        doc.withheld.clear();
        doc.releases.clear();
        doc.bill = None;
        doc.annex_note.clear();
        let zero = Money::ZERO;
        doc.totals = crate::statement::Totals {
            charges: zero,
            corrections: zero,
            deductions: zero,
            withheld: zero,
            released: zero,
            payable: zero,
        };
        assert_eq!(statement_pdf(&doc, &renderer()).unwrap().pages, 2);
    }

    fn lines_of(doc: &StatementDocument) -> crate::statement::LineSummary {
        let mut lines = crate::statement::LineTally::new();
        doc.annex.iter().for_each(|line| lines.add(line).unwrap());
        lines.finish()
    }

    /// A department of 200 systems, and a correction and a deduction for many of them.
    fn long() -> StatementDocument {
        let mut doc = specimen::statement(200, false).unwrap();
        doc.annex.clear();
        let (corrected, deducted) = (doc.corrections[1].clone(), doc.deductions[0].clone());
        doc.corrections = vec![corrected; LISTED_ROWS_MAX + 1];
        doc.deductions = vec![deducted; LISTED_ROWS_MAX + 1];
        let totals = &mut doc.totals;
        totals.corrections = Money::sum(doc.corrections.iter().map(|c| c.amount)).unwrap();
        totals.deductions = Money::sum(doc.deductions.iter().map(|d| d.amount)).unwrap();
        let added = totals.charges.plus(totals.corrections).unwrap();
        let off = totals.deductions.plus(totals.withheld).unwrap();
        totals.payable = added.minus(off).and_then(|m| m.plus(totals.released)).unwrap();
        doc
    }

    #[test]
    fn what_is_too_long_for_paper_is_printed_as_sums_bound_to_its_rows() {
        let doc = long();
        let page = printed(&doc, renderer().fonts());
        assert_eq!(page["charge_heads"], json!(["系统编码", "信息系统"]));
        let systems = page["systems"].as_array().unwrap();
        assert_eq!((systems.len(), systems[0]["items"].as_array().unwrap().len()), (1, 200));
        assert_eq!(systems[0]["subtotal"], doc.totals.charges.grouped());
        assert_eq!(page["corrections"].as_array().unwrap().len(), 1);
        assert_eq!(page["corrections"][0][4], doc.totals.corrections.grouped());
        assert_eq!(page["deductions"][0][0], "共 301 笔");
        let binding = page["annex_binding"].as_str().unwrap();
        assert!(
            binding.contains(&format!("{} 行", doc.lines.count)) && binding.contains(&doc.lines.digest.to_string())
        );
        // The form, the systems at thirty-odd rows a page, and one page of short annexes.
        assert!(statement_pdf(&doc, &renderer()).unwrap().pages < 12);
    }

    #[test]
    fn what_fits_is_printed_whole() {
        let doc = specimen::statement(100, false).unwrap();
        let page = printed(&doc, renderer().fonts());
        let rows = |system: &Value| system["items"].as_array().unwrap().len();
        let printed: usize = page["systems"].as_array().unwrap().iter().map(rows).sum();
        let all = doc.annex.len();
        assert!((300..=ITEM_ROWS_MAX).contains(&all), "{all}");
        assert_eq!((printed, page["annex"].as_array().unwrap().len()), (all, all));
        assert_eq!(page["annex_binding"], "");
    }

    /// Amounts of twelve digits of yuan, the finest quantities and the longest names in every place.
    fn crowded() -> StatementDocument {
        let mut doc = specimen::statement(5, false).unwrap();
        let amount = Money::from_fen(-12_345_678_901_234);
        let name = "春城市一体化政务服务与公共资源交易电子监督及城市运行管理大数据综合应用支撑平台（二期扩容升级改造）";
        let code = "SYSTEM-WITH-A-CODE-THAT-IS-SIXTY-FOUR-CHARACTERS-LONG-0123456789";
        for system in &mut doc.systems {
            (system.name, system.code) = (name.to_owned(), code.to_owned());
            for item in &mut system.items {
                (item.item_name, item.item_code) = (name.to_owned(), code.to_owned());
                item.quantity = "9223372036854.775807".to_owned();
                item.unit_price = "9223372036854.775807".to_owned();
                item.days = "999999/31".to_owned();
                item.amount = amount;
            }
            system.subtotal = Money::sum(system.items.iter().map(|i| i.amount)).unwrap();
        }
        for line in &mut doc.annex {
            (line.line, line.resource, line.item) = ("l".repeat(60), "r".repeat(64), code.to_owned());
            line.system = code.to_owned();
            line.quantity = "9223372036854.775807".to_owned();
            line.unit_price = "9223372036854.775807".to_owned();
            line.factor = "0.85 × 10/31".to_owned();
            line.amount = amount;
        }
        doc.corrections.iter_mut().for_each(|c| {
            (c.amount, c.system, c.statement_number) = (amount, name.to_owned(), code.to_owned());
        });
        doc.deductions.iter_mut().for_each(|d| d.amount = amount);
        doc.withheld
            .iter_mut()
            .for_each(|w| (w.amount, w.reference) = (amount, code.to_owned()));
        let charges = Money::sum(doc.systems.iter().map(|s| s.subtotal)).unwrap();
        doc.totals.charges = charges;
        doc.lines = lines_of(&doc);
        doc.totals.corrections = Money::sum([amount, amount]).unwrap();
        (doc.totals.deductions, doc.totals.withheld) = (amount, amount);
        doc.releases
            .iter_mut()
            .for_each(|r| (r.amount, r.reference, r.statement_number) = (amount, code.to_owned(), code.to_owned()));
        let released = Money::sum(doc.releases.iter().map(|r| r.amount)).unwrap();
        doc.totals.released = released;
        doc.totals.payable = charges.plus(released).unwrap();
        let bill = doc.bill.as_mut().unwrap();
        bill.classes.iter_mut().for_each(|c| c.amount = amount);
        (bill.number, bill.ours) = (code.to_owned(), charges);
        bill.theirs = charges.plus(Money::sum([amount, amount, amount]).unwrap()).unwrap();
        (doc.number, doc.contract_number) = (code.to_owned(), code.to_owned());
        (doc.provider.name, doc.provider.code) = (name.to_owned(), code.to_owned());
        doc
    }

    #[test]
    fn nothing_runs_over_anything_else() {
        for doc in [crowded(), specimen::statement(6, true).unwrap(), long()] {
            doc.check().unwrap();
            let renderer = renderer();
            assert_eq!(
                renderer.collisions(&printed(&doc, renderer.fonts())),
                Vec::<String>::new()
            );
        }
    }
}
