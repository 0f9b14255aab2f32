//! Provider bills and statements worked by hand.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails where it cannot go on"
)]

#[expect(dead_code, reason = "other tests use the rest")]
mod scenario;

use domain::reconcile::{BillLine, DifferenceClass, ProviderBill, reconcile};
use domain::settle::{Settled, SlaDeduction, StatementScope, make_statements};
use kernel::{Factor, Instant, Money, Period, Quantity, UnitPrice};
use scenario::Scenario;

fn at(text: &str) -> Instant {
    text.parse().unwrap()
}

fn bill_line(
    n: u32,
    (resource, organisation): (&str, &str),
    (from, to): (&str, &str),
    cores: i64,
    amount: &str,
) -> BillLine {
    BillLine {
        line: n,
        resource: resource.into(),
        item: "cpu".parse().unwrap(),
        organisation: organisation.parse().unwrap(),
        period: Period::new(at(from), at(to)).unwrap(),
        quantity: Quantity::from_whole(cores).unwrap(),
        unit_price: UnitPrice::from_whole(46).unwrap(),
        amount: amount.parse().unwrap(),
    }
}

/// Six servers of 4 cores: 1 to 4 all month, 5 for five hours, 6 until the 16th (15/31: 89.03).
fn six_servers() -> domain::rate::ChargeTable {
    let whole = |n: i64| {
        format!(r#"{{ code = "A{n}", native_id = "vm-{n}", kind = "server", spec = "vcpu=4", from = "2026-01-01" }},"#)
    };
    let text = format!(
        r#"allocations = [{}{}{}{}
            {{ code = "A5", native_id = "vm-5", kind = "server", spec = "vcpu=4", from = "2026-03-05 10:00:00", to = "2026-03-05 15:00:00" }},
            {{ code = "A6", native_id = "vm-6", kind = "server", spec = "vcpu=4", from = "2026-01-01", to = "2026-03-16" }},
        ]"#,
        whole(1),
        whole(2),
        whole(3),
        whole(4)
    );
    Scenario::from_text(&text).run().1
}

#[test]
fn differences_taken_apart_by_hand() {
    let month = ("2026-03-01", "2026-04-01");
    let lines = vec![
        bill_line(1, ("N1/vm-1", "D1"), month, 4, "200.00"), // dearer: 50 a core
        bill_line(2, ("N1/vm-2", "D1"), month, 8, "368.00"), // 8 cores
        bill_line(3, ("N1/vm-3", "D2"), month, 4, "184.00"), // another department's
        bill_line(4, ("N1/vm-5", "D1"), month, 4, "184.00"), // five hours as a month
        bill_line(5, ("N1/vm-6", "D1"), month, 4, "184.01"), // released on the 16th; and a fen
        bill_line(6, ("N1/vm-9", "D1"), month, 4, "184.00"), // never approved
    ];
    let bill = ProviderBill {
        provider: "P1".parse().unwrap(),
        month: "2026-03".parse().unwrap(),
        version: 1,
        lines,
    };
    let result = reconcile(&six_servers(), &bill, Money::ZERO).unwrap();
    let part = |(class, part): &(DifferenceClass, Money)| format!("{class} {part}");
    let named: Vec<_> = result
        .differences
        .iter()
        .map(|d| {
            (
                d.resource.as_str(),
                d.parts.iter().map(part).collect::<Vec<_>>().join(", "),
            )
        })
        .collect();
    assert_eq!(
        named,
        [
            ("N1/vm-1", "price 16.00".to_owned()),
            ("N1/vm-2", "quantity 184.00".into()),
            ("N1/vm-3", "owner 0.00".into()),
            ("N1/vm-4", "missing -184.00".into()),
            ("N1/vm-5", "period 184.00".into()),
            // 89.03 x 31/15 = 183.995.. -> 184.00: 94.97 for the time, 0.01 for nothing.
            ("N1/vm-6", "period 94.97, arithmetic 0.01".into()),
            ("N1/vm-9", "extra 184.00".into()),
        ]
    );
}

#[test]
fn one_absurd_bill_line_does_not_stop_the_others() {
    let mut absurd = bill_line(
        1,
        ("N1/vm-1", "D1"),
        ("1900-01-01", "9998-01-01"),
        4,
        "90000000000000000.00",
    );
    absurd.quantity = Quantity::from_micros(i64::MAX);
    let lines = vec![
        absurd,
        bill_line(2, ("N1/vm-2", "D1"), ("2026-03-01", "2026-04-01"), 4, "184.00"),
    ];
    let bill = ProviderBill {
        provider: "P1".parse().unwrap(),
        month: "2026-03".parse().unwrap(),
        version: 1,
        lines,
    };
    let result = reconcile(&six_servers(), &bill, Money::ZERO).unwrap();
    assert_eq!(
        result.agreeing, 2,
        "vm-2, and vm-5, which comes to nothing and is not billed"
    );
    assert_eq!(
        Money::sum(result.classes.values().map(|c| c.amount)).unwrap(),
        result.billed.minus(result.ours).unwrap()
    );
}

#[test]
fn a_department_that_is_left_out_of_a_transfer_is_an_owner_difference() {
    // Ours: D1 for 15 days, D2 for 16. Billed: all of it to D1.
    let (_, rated) = Scenario::load("transfer").run();
    let lines = vec![bill_line(
        1,
        ("N1/vm-1", "D1"),
        ("2026-03-01", "2026-04-01"),
        4,
        "184.00",
    )];
    let bill = ProviderBill {
        provider: "P1".parse().unwrap(),
        month: "2026-03".parse().unwrap(),
        version: 1,
        lines,
    };
    let result = reconcile(&rated, &bill, Money::ZERO).unwrap();
    assert_eq!(result.differences[0].parts, [(DifferenceClass::Owner, Money::ZERO)]);
}

#[test]
fn unit_months_are_rounded_once_and_deductions_taken_once() {
    // 4 x 15/31 + 4 x 16/31 is 4, not 3.999999.
    let (_, rated) = Scenario::load("transfer").run();
    let zero = Factor::ZERO;
    let deduction = SlaDeduction {
        resource: "N1/vm-1".into(),
        availability: zero,
        down_s: 1,
        rate: zero,
        fee: Money::ZERO,
        amount: Money::from_fen(100),
        corrects: None,
    };
    let scope = |organisation: Option<&str>| StatementScope {
        provider: "P1".into(),
        organisation: organisation.map(str::to_owned),
    };
    let settled = Settled {
        deductions: vec![(scope(None), deduction)],
        ..Settled::default()
    };
    let statements = make_statements("2026-03".parse().unwrap(), &rated, &settled).unwrap();
    let months: Vec<_> = statements
        .iter()
        .flat_map(|s| s.items.iter().map(|i| i.unit_months.to_string()))
        .collect();
    assert_eq!(months, ["1.935484", "2.064516", "1.935484", "2.064516"]);
    let payable: Vec<_> = statements.iter().map(|s| s.payable.to_string()).collect();
    assert_eq!(payable, ["89.03", "94.97", "183.00"]);
}
