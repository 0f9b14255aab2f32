//! Work that takes processors: on threads of its own, so that it does not hold up those who only read.

use crate::problem::Problem;
use app::AppError;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::{JoinError, spawn_blocking};

/// Does work aside. If nobody waits for it any more, it is given up where it waits next, as all that a request does: what
/// it has not committed is undone.
pub(crate) async fn aside<F, Work, Made>(work: F) -> Result<Made, Problem>
where
    F: FnOnce() -> Work + Send + 'static,
    Work: Future<Output = Result<Made, AppError>>,
    Made: Send + 'static,
{
    let runtime = Handle::current();
    // Gone with this future, however it ends.
    let (_waits, gone) = oneshot::channel::<()>();
    let doing = spawn_blocking(move || {
        runtime.block_on(async {
            tokio::select! {
                biased;
                _ = gone => Err(AppError::Invalid("无人等待结果，已停止办理".to_owned())),
                done = work() => done,
            }
        })
    });
    ended(doing.await)
}

/// What became of the work. Errors: it failed, or broke off, which is a fault of ours.
pub(crate) fn ended<Made>(doing: Result<Result<Made, AppError>, JoinError>) -> Result<Made, Problem> {
    Ok(doing.map_err(|broken| Problem::internal(&broken))??)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    /// On the one thread of this test: done on it, the work would keep its own cause from ever coming.
    #[tokio::test]
    async fn work_holds_nobody_up() {
        let (send, receive) = mpsc::channel();
        let work = aside(async move || Ok(receive.recv().unwrap()));
        let (done, sent) = tokio::join!(work, async { send.send(7) });
        assert_eq!((done.unwrap(), sent), (7, Ok(())));
    }

    #[tokio::test]
    async fn what_nobody_waits_for_is_given_up() {
        let (held, released) = mpsc::channel::<()>();
        let (begin, begun) = oneshot::channel();
        let work = tokio::spawn(aside(async move || {
            let _held = held;
            begin.send(()).unwrap();
            std::future::pending().await
        }));
        begun.await.unwrap();
        work.abort();
        let ended = spawn_blocking(move || released.recv()).await.unwrap();
        assert!(ended.is_err(), "what the work held is dropped");
        let _: Result<Result<(), Problem>, JoinError> = work.await;
    }
}
