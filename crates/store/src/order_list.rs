//! Lists of work orders, within what somebody may see of the applications.

use crate::orders::order;
use crate::{Connection, Sight, StoreError, Value};
use domain::work::{OrderState, WorkOrder};

/// Which work orders to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OrderFilter {
    /// Only in this state.
    pub state: Option<OrderState>,
    /// Only of this application.
    pub request: Option<String>,
    /// Only of this provider.
    pub provider: Option<String>,
    /// Only numbers after this one in the order of the list (the newest first).
    pub after: Option<String>,
}

impl Connection {
    /// The orders of applications that may be seen and that fit, the newest first, at most `limit`. Of a provider only
    /// its own.
    pub async fn work_orders(
        &mut self,
        sight: &Sight,
        filter: &OrderFilter,
        limit: i64,
    ) -> Result<Vec<WorkOrder>, StoreError> {
        let mut values: Vec<Value> = vec![limit.into()];
        let (seen, of_sight) = sight.condition(2);
        values.extend(of_sight);
        let own = match sight {
            Sight::Provider(provider) => Some(provider.clone()),
            _ => None,
        };
        let wanted = [
            ("state = ", filter.state.map(|state| state.word().to_owned())),
            ("request = ", filter.request.clone()),
            ("provider = ", filter.provider.clone()),
            ("provider = ", own),
            ("number < ", filter.after.clone()),
        ];
        let mut conditions = String::new();
        for (condition, value) in wanted {
            if let Some(value) = value {
                values.push(value.into());
                conditions.push_str(&format!(" AND {condition}${}", values.len()));
            }
        }
        let sql = format!(
            "SELECT * FROM work_order WHERE request IN (SELECT number FROM resource_request WHERE 1 = 1{seen})\
             {conditions} ORDER BY number DESC LIMIT $1"
        );
        self.all(&sql, &values).await?.iter().map(order).collect()
    }
}
