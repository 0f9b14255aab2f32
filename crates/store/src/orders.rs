//! Work orders: what a provider, or the platform on its node, carries out for an application.

use crate::{Connection, Row, StoreError, Value};
use domain::work::{OrderState, WorkOrder};
use kernel::Instant;

pub(crate) fn order(row: &Row) -> Result<WorkOrder, StoreError> {
    let mut order: WorkOrder = row.json("work_order", "body")?;
    order.version = row.int("version")?;
    Ok(order)
}

impl Connection {
    /// Stores a new work order, as version 1.
    pub async fn add_order(&mut self, new: &WorkOrder) -> Result<(), StoreError> {
        let values = [
            new.number.clone().into(),
            new.request.clone().into(),
            new.kind.word().into(),
            new.provider.to_string().into(),
            new.node.to_string().into(),
            new.state.word().into(),
            new.opened.unix_s().into(),
            new.due.map(Instant::unix_s).into(),
            Value::json("work_order", &new.number, new)?,
        ];
        let sql = "INSERT INTO work_order (number, request, kind, provider, node, state, opened_s, due_s, body, version) \
                   VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,1)";
        self.execute_one(sql, &values, &new.number).await
    }

    /// Saves a work order that was read as `order.version`.
    pub async fn save_order(&mut self, order: &WorkOrder) -> Result<(), StoreError> {
        let values = [
            order.state.word().into(),
            order.due.map(Instant::unix_s).into(),
            Value::json("work_order", &order.number, order)?,
            order.number.clone().into(),
            order.version.into(),
        ];
        let sql = "UPDATE work_order SET state = $1, due_s = $2, body = $3, version = version + 1 \
                   WHERE number = $4 AND version = $5";
        self.execute_one(sql, &values, &order.number).await
    }

    /// A work order.
    pub async fn order(&mut self, number: &str) -> Result<Option<WorkOrder>, StoreError> {
        let row = self
            .first("SELECT * FROM work_order WHERE number = $1", &[number.into()])
            .await?;
        row.as_ref().map(order).transpose()
    }

    /// The work orders of an application, in order of their numbers.
    pub async fn orders_of(&mut self, request: &str) -> Result<Vec<WorkOrder>, StoreError> {
        let sql = "SELECT * FROM work_order WHERE request = $1 ORDER BY number";
        self.all(sql, &[request.into()]).await?.iter().map(order).collect()
    }

    /// The work orders that are not over, of one provider or of all, the oldest first.
    pub async fn open_orders(&mut self, provider: Option<&str>) -> Result<Vec<WorkOrder>, StoreError> {
        let open = OrderState::ALL.iter().filter(|state| state.is_open());
        let open: Vec<String> = open.map(|state| format!("'{}'", state.word())).collect();
        let sql = format!(
            "SELECT * FROM work_order WHERE state IN ({}) AND ($1 = '' OR provider = $1) ORDER BY number",
            open.join(",")
        );
        let values = [provider.unwrap_or_default().into()];
        self.all(&sql, &values).await?.iter().map(order).collect()
    }
}
