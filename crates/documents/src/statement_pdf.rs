//! The statement as a paper form in PDF (A4).
//!
//! The first page is the form that is signed: parties, sums, capitals, completeness, differences with the bill,
//! places for seals. The annexes behind it hold the tables. Every page carries the digests, its number and, unless
//! final, a watermark.

use crate::capitals::capitals;
use crate::display::{breakable, moment, month_zh, span};
use crate::error::DocumentError;
use crate::fonts::Fonts;
use crate::renderer::{Pdf, Renderer};
use crate::statement::{AnnexLine, BillComparison, ChargeItem, Party, StatementDocument, SystemCharges};
use serde_json::{Value, json};

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
        "capitals": capitals(doc.totals.payable),
        "completeness": doc.completeness,
        "remarks": doc.remarks,
        "bill": doc.bill.as_ref().map(bill),
        "signatures": doc.signatures,
        "systems": doc.systems.iter().map(system).collect::<Vec<_>>(),
        "charges": doc.totals.charges.grouped(),
        "corrections": corrections(doc),
        "deductions": rows(doc.deductions.iter().map(|d| [d.basis.clone(), d.reason.clone(), d.amount.grouped()])),
        "withheld": rows(doc.withheld.iter().map(|w| [breakable(&w.reference), w.reason.clone(), w.amount.grouped()])),
        "annex": rows(doc.annex.iter().map(annex_row)),
        "annex_note": doc.annex_note,
        "sums": [doc.totals.corrections.grouped(), doc.totals.deductions.grouped(), doc.totals.withheld.grouped()],
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
    let items: usize = doc.systems.iter().map(|s| s.items.len()).sum();
    json!([
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
    ])
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
        doc.bill = None;
        doc.annex_note.clear();
        let zero = Money::ZERO;
        doc.totals = crate::statement::Totals {
            charges: zero,
            corrections: zero,
            deductions: zero,
            withheld: zero,
            payable: zero,
        };
        assert_eq!(statement_pdf(&doc, &renderer()).unwrap().pages, 2);
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
        doc.totals.corrections = Money::sum([amount, amount]).unwrap();
        (doc.totals.deductions, doc.totals.withheld) = (amount, amount);
        doc.totals.payable = charges;
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
        for doc in [crowded(), specimen::statement(6, true).unwrap()] {
            doc.check().unwrap();
            let renderer = renderer();
            assert_eq!(
                renderer.collisions(&printed(&doc, renderer.fonts())),
                Vec::<String>::new()
            );
        }
    }
}
