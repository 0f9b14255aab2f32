//! Statements: listing, showing, rendering, and advancing them from draft to final.

mod advance;
mod list;
mod render;

pub use advance::{AdvanceInput, advance, advance_seen};
pub use documents::{Fonts, Renderer};
pub use list::{ReleasedBy, StatementRow, StatementView, list, show, target};
pub use render::{Format, RenderSelection, render};
