//! Writes the demo city into a folder: `cargo run -p city --example build FOLDER [UNTIL] [SEED]`.

use city::{CityPlan, Scale, build};
use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut words = std::env::args().skip(1);
    let folder = words.next().ok_or("usage: build FOLDER [UNTIL] [SEED]")?;
    let until = words.next().as_deref().unwrap_or("2026-06").parse()?;
    let seed = words.next().as_deref().unwrap_or("7").parse()?;
    let plan = CityPlan {
        seed,
        until,
        months: 13,
        scale: Scale::CITY,
    };
    let city = build(&plan, Path::new(&folder), &mut |_, _, _| {})?;
    println!("{:?}\n{} steps", city.counts, city.steps.len());
    for planted in &city.planted {
        println!(
            "{} {:?} {} {:?}",
            planted.month, planted.plant, planted.subject, planted.expected
        );
    }
    Ok(())
}
