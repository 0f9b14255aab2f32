//! The end of what runs until somebody stops it: who says so, and that all others of the program learn of it.

use app::jobs::Stop;

/// Ends when the host or a person ends the program, or something else of it has ended, and tells all others.
pub(crate) async fn until_stopped(stop: Stop) {
    tokio::select! {
        () = stopped() => {}
        () = stop.told() => {}
    }
    stop.set();
}

/// Ends when somebody presses Ctrl-C, or the host ends the service.
async fn stopped() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut term) = signal(SignalKind::terminate()) else {
        let _ = tokio::signal::ctrl_c().await;
        return;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = term.recv() => {}
    }
}
