//! Lists of work orders, within what somebody may see of the applications.

use crate::orders::order;
use crate::requests::going;
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
    /// Only numbers after this one in the order of the list.
    pub after: Option<String>,
    /// The oldest first; else the newest.
    pub oldest_first: bool,
}

impl Connection {
    /// The orders of applications that may be seen and that fit, the newest or the oldest first, at most `limit`. Of a provider only
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
        let (on, order_of) = going(filter.oldest_first);
        let beyond = format!("number {on} ");
        let wanted = [
            ("state = ", filter.state.map(|state| state.word().to_owned())),
            ("request = ", filter.request.clone()),
            ("provider = ", filter.provider.clone()),
            ("provider = ", own),
            (beyond.as_str(), filter.after.clone()),
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
             {conditions} ORDER BY number {order_of} LIMIT $1"
        );
        self.all(&sql, &values).await?.iter().map(order).collect()
    }
}
