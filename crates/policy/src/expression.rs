//! Own rules: CEL expressions over the facts of an application.
//!
//! An expression sees one variable, `facts`, in the form in which the facts are serialised: quantities, prices and
//! amounts are decimal texts, and what is not known is null.

use cel::{Context, Program, Value};
use domain::rules::RequestFacts;

/// Whether a text is an expression at all, before it comes into force.
pub fn check_expression(text: &str) -> Result<(), String> {
    Program::compile(text).map(|_| ()).map_err(|error| error.to_string())
}

/// What an expression says about the facts. Errors: it is no expression, asks for what is not there, or gives something
/// that is neither true nor false.
pub fn evaluate(text: &str, facts: &RequestFacts) -> Result<bool, String> {
    let program = Program::compile(text).map_err(|error| error.to_string())?;
    let mut context = Context::default();
    let facts = cel::to_value(facts).map_err(|error| error.to_string())?;
    context.add_variable_from_value("facts", facts);
    match program.execute(&context) {
        Ok(Value::Bool(answer)) => Ok(answer),
        Ok(other) => Err(format!("结果应为真或假，实际是 {}", other.type_of())),
        Err(error) => Err(error.to_string()),
    }
}
