//! The file of an application, complete, as one archive.

use super::requests::seen;
use crate::download;
use crate::problem::Problem;
use crate::session::Asker;
use crate::state::Api;
use app::requests;
use axum::extract::{Path, State};
use axum::response::Response;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(archive_request))
}

/// The file of an application: every paper, every piece of evidence, its audit entries, and a list with digests
#[utoipa::path(get, path = "/requests/{number}/file", tag = "requests", params(("number" = String, Path, description = "Its number")),
    responses((status = 200, description = "The file", content((Vec<u8> = "application/zip")))))]
async fn archive_request(
    State(api): State<Api>,
    asker: Asker,
    Path(number): Path<String>,
) -> Result<Response, Problem> {
    seen(&asker, &number).await?;
    asker.pace(&api)?;
    let ctx = asker.ctx.clone();
    let name = requests::archive_name(&number);
    let made = download::made(&asker.ctx, async move |folder| {
        let path = folder.join("file.zip");
        requests::archive(&ctx, &number, &path).await?;
        Ok(path)
    });
    download::file(made.await?, "application/zip", &name)
}
