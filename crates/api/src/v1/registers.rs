//! The registers: organisations, systems, the catalogue and contracts.

use super::words::{parsed_if, value};
use crate::filter::Listed;
use crate::page::{Page, Paging};
use crate::problem::Problem;
use crate::session::Asker;
use crate::state::Api;
use app::registers;
use axum::response::Response;
use domain::catalogue::{Contract, ServiceItem};
use kernel::Instant;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list_organisations))
        .routes(routes!(list_systems))
        .routes(routes!(list_catalogue))
        .routes(routes!(list_contracts))
}

/// As of when.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct AtQuery {
    /// The moment; now if not given.
    at: Option<String>,
}

impl AtQuery {
    fn at(&self, asker: &Asker) -> Result<Instant, Problem> {
        let at = parsed_if("at", self.at.as_deref())?;
        Ok(at.unwrap_or_else(|| asker.ctx.now()))
    }
}

/// An organisation.
#[derive(Debug, Serialize, ToSchema)]
struct OrganisationView {
    code: String,
    name: String,
    side: String,
    /// Code of the organisation above it.
    parent: Option<String>,
    /// Code of the organisation it was merged into.
    merged_into: Option<String>,
    municipal: Option<bool>,
}

/// An information system.
#[derive(Debug, Serialize, ToSchema)]
struct SystemView {
    code: String,
    name: String,
    organisation: String,
    mlps_level: Option<u8>,
    zone: String,
    data_grade: Option<String>,
    status: String,
    origin: String,
}

/// An item of the catalogue.
#[derive(Debug, Serialize, ToSchema)]
struct ItemView {
    code: String,
    name: String,
    layer: String,
    form: String,
    kind: String,
    measure: String,
    unit: String,
    basis: String,
    class: Option<String>,
    pool: Option<String>,
    zone: Option<String>,
    /// The form of service whose resources it is for; null for any.
    tenancy: Option<String>,
}

impl From<ServiceItem> for ItemView {
    fn from(item: ServiceItem) -> Self {
        Self {
            code: item.code.to_string(),
            name: item.name,
            layer: item.layer.word().to_owned(),
            form: item.form.word().to_owned(),
            kind: item.kind.word().to_owned(),
            measure: item.measure.word().to_owned(),
            unit: item.unit,
            basis: item.basis.word().to_owned(),
            class: item.class,
            pool: item.pool.map(|pool| pool.word().to_owned()),
            zone: item.zone.map(|zone| zone.word().to_owned()),
            tenancy: item.tenancy.map(|tenancy| tenancy.word().to_owned()),
        }
    }
}

/// A contract.
#[derive(Debug, Serialize, ToSchema)]
struct ContractView {
    code: String,
    title: String,
    provider: String,
    round: String,
    lot: String,
    starts: String,
    ends: String,
    /// Units: yuan.
    ceiling: Option<String>,
    proration: String,
    /// Units: yuan.
    tolerance: String,
    /// Terms of availability.
    #[schema(value_type = Option<Object>)]
    sla: Value,
    #[schema(value_type = Vec<Object>)]
    commitments: Value,
    source: String,
}

impl From<Contract> for ContractView {
    fn from(contract: Contract) -> Self {
        Self {
            code: contract.code.to_string(),
            title: contract.title,
            provider: contract.provider.to_string(),
            round: contract.round,
            lot: contract.lot,
            starts: contract.starts.to_string(),
            ends: contract.ends.to_string(),
            ceiling: contract.ceiling.map(|ceiling| ceiling.to_string()),
            proration: contract.proration.word(),
            tolerance: contract.tolerance.to_string(),
            sla: value(contract.sla),
            commitments: value(contract.commitments),
            source: contract.source,
        }
    }
}

/// Organisations, by code
#[utoipa::path(get, path = "/organisations", tag = "registers", params(Paging, AtQuery),
    responses((status = 200, description = "A page of organisations", body = Page<OrganisationView>)))]
async fn list_organisations(asker: Asker, Listed { filter, paging }: Listed<AtQuery>) -> Result<Response, Problem> {
    let found = registers::organisations(&asker.ctx, filter.at(&asker)?).await?;
    let views = found.into_iter().map(|organisation| OrganisationView {
        code: organisation.code.to_string(),
        name: organisation.name,
        side: organisation.side.word().to_owned(),
        parent: organisation.parent.map(|code| code.to_string()),
        merged_into: organisation.merged_into.map(|code| code.to_string()),
        municipal: organisation.municipal,
    });
    paging.answer(views.collect(), "code")
}

/// Systems, by code; a unit sees its own, a provider those on its nodes
#[utoipa::path(get, path = "/systems", tag = "registers", params(Paging, AtQuery),
    responses((status = 200, description = "A page of systems", body = Page<SystemView>)))]
async fn list_systems(asker: Asker, Listed { filter, paging }: Listed<AtQuery>) -> Result<Response, Problem> {
    let found = registers::systems(&asker.ctx, filter.at(&asker)?).await?;
    let views = found.into_iter().map(|system| SystemView {
        code: system.code.to_string(),
        name: system.name,
        organisation: system.organisation.to_string(),
        mlps_level: system.mlps_level,
        zone: system.zone.word().to_owned(),
        data_grade: system.data_grade.map(|grade| grade.word().to_owned()),
        status: system.status.word().to_owned(),
        origin: system.origin.word().to_owned(),
    });
    paging.answer(views.collect(), "code")
}

/// The service catalogue, by code
#[utoipa::path(get, path = "/catalogue", tag = "registers", params(Paging, AtQuery),
    responses((status = 200, description = "A page of items", body = Page<ItemView>)))]
async fn list_catalogue(asker: Asker, Listed { filter, paging }: Listed<AtQuery>) -> Result<Response, Problem> {
    let found = registers::items(&asker.ctx, filter.at(&asker)?).await?;
    paging.answer(found.into_iter().map(ItemView::from).collect(), "code")
}

/// Contracts, by number; a provider sees its own
#[utoipa::path(get, path = "/contracts", tag = "registers", params(Paging, AtQuery),
    responses((status = 200, description = "A page of contracts", body = Page<ContractView>)))]
async fn list_contracts(asker: Asker, Listed { filter, paging }: Listed<AtQuery>) -> Result<Response, Problem> {
    let found = registers::contracts(&asker.ctx, filter.at(&asker)?).await?;
    paging.answer(found.into_iter().map(ContractView::from).collect(), "code")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_of_charging_a_part_of_a_month_is_a_word() {
        let contract = serde_json::json!({
            "code": "HT-1", "title": "合同", "provider": "P1", "round": "一期", "lot": "一", "starts": "2026-01-01",
            "ends": "2027-01-01", "ceiling": null, "proration": { "full_month_after": 15 }, "tolerance": "0.00",
            "sla": null, "commitments": [], "source": "测试",
        });
        let contract: Contract = serde_json::from_value(contract).unwrap();
        assert_eq!(ContractView::from(contract).proration, "full_month_after_15_days");
    }

    #[test]
    fn an_item_says_for_which_tenancy_it_is() {
        let item = serde_json::json!({
            "code": "VCPU", "name": "云主机vCPU", "layer": "infrastructure", "form": "shared_cloud", "kind": "server",
            "measure": "vcpu", "unit": "核", "basis": "allocated", "class": null, "pool": null, "zone": null,
            "tenancy": "shared_cloud",
        });
        let item: ServiceItem = serde_json::from_value(item).unwrap();
        assert_eq!(ItemView::from(item).tenancy.as_deref(), Some("shared_cloud"));
    }
}
