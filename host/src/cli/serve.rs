use super::{
    args::{BoundArgs, ProgramArgs, RoomArgs, ServerArgs, Surroundings},
    deadline,
    log::{self, LogFormat},
    phases::Phases,
    signals,
};
use anyhow::Context;
use std::{path::Path, pin::Pin, process::ExitCode, sync::Arc, time::Duration};
use tokio::{
    runtime::{Builder, Handle},
    sync::Mutex,
};
use tracing::{error, info, warn};
use wit_host::{
    FileOperations, HostFunctions, HostInterface, Plan, Sandbox,
    rooms::{Logic, Replaced, Rooms},
    server::{Replace, Server},
    untrusted::Message,
};

/// Serve rooms that clients join by WebSockets. The logic of a room is a component or a core module.
///
/// A client joins the room NAME at `ws://ADDR/NAME`, and the first one makes it. LOGIC exports
/// `toolkit:rooms/logic` and imports `toolkit:rooms/room` (`wit/rooms.wit`), or is a core module with the exports in
/// `docs/rooms.md`. Each room is an instance of LOGIC in a store of its own; `--timeout` (1s by default) and `--fuel`
/// bound each event, and `--max-memory` each room.
///
/// On SIGHUP the server reads LOGIC and its plugs again, and replaces the logic of all rooms. Clients stay
/// connected. On SIGTERM it saves all rooms and ends.
#[derive(clap::Args)]
pub struct Serve {
    #[command(flatten)]
    program: ProgramArgs,
    #[command(flatten)]
    rooms: RoomArgs,
    #[command(flatten)]
    server: ServerArgs,
    /// Replace the logic whenever LOGIC or the file of a plug changes.
    #[arg(long)]
    watch: bool,
    /// Write the log in this form, to standard error.
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    log: LogFormat,
}

/// The time of an event without `--timeout`.
const TIMEOUT: Duration = Duration::from_secs(1);

/// The time between two looks at the files.
const LOOK_EVERY: Duration = Duration::from_millis(500);

impl Serve {
    pub fn exec(self, phases: &mut Phases, bounds: BoundArgs) -> anyhow::Result<ExitCode> {
        log::start(self.log);
        deadline::prepare(deadline::DEFAULT);
        let tokio = Builder::new_multi_thread()
            .enable_all()
            .build()
            .context("failed to set up the event loop")?;
        let room_settings = tokio.block_on(self.rooms.settings())?;
        let is_shared = room_settings.storage.is_shared();
        let settings = self.server.settings(is_shared)?;
        let watched = self.watch.then(|| self.program.files()).transpose()?;
        let watched = watched.map(|files| files.into_iter().map(Path::to_owned).collect());
        let source = Arc::new(Source {
            program: self.program,
            bounds,
        });
        let logic = source.load(phases, tokio.handle())?;
        deadline::wait_for_calls();
        tokio.block_on(async {
            // Before anybody sees that the server listens, and sends one.
            let hangups = signals::hangups().context("failed to wait for signals")?;
            let ended = signals::ended().context("failed to wait for signals")?;
            let rooms = Rooms::new(logic, room_settings);
            let replace = replacing(source, rooms.clone());
            let server = Server::bind(rooms, settings, replace.clone()).await?;
            if let Some(address) = server.address() {
                info!(%address, "listening");
            }
            match server.peer_address() {
                Some(address) => info!(%address, "listening for other servers"),
                None if is_shared => {
                    warn!("other servers cannot pass clients on to this one; add `--peers ADDR`");
                }
                None => {}
            }
            if let Some(address) = server.admin_address() {
                info!(%address, "listening for the administrator");
            }
            tokio::spawn(on_hangup(hangups, replace.clone()));
            if let Some(files) = watched {
                tokio::spawn(on_change(files, replace));
            }
            server.serve(ended).await;
            info!("the server has ended");
            Ok(ExitCode::SUCCESS)
        })
    }

    pub fn file(&self) -> &Path {
        self.program.file()
    }
}

/// The files and flags that the logic comes from.
struct Source {
    program: ProgramArgs,
    bounds: BoundArgs,
}

impl Source {
    /// Reads, composes, compiles and checks the logic.
    fn load(&self, phases: &mut Phases, tokio: &Handle) -> anyhow::Result<Logic> {
        let plan = self.plan(phases)?;
        let runtime = phases.time("set up", || plan.runtime())?;
        let name = plan.source.parts()[0].to_string();
        let engine = plan.engine;
        phases.compile(engine, &name, || {
            let logic = tokio.block_on(Logic::load(plan, &runtime));
            logic.map_err(anyhow::Error::from)
        })
    }

    fn plan(&self, phases: &mut Phases) -> anyhow::Result<Plan> {
        let surroundings = Surroundings {
            provided: Some(HostInterface::room()),
            functions: HostFunctions::new().room("host"),
            file_operations: FileOperations::OnOtherThreads,
        };
        let sandbox = |name: &_| Sandbox::new().mark_stderr(Clone::clone(name));
        let mut plan = self
            .program
            .plan(phases, &self.bounds, &surroundings, sandbox)?;
        plan.limits.timeout = Some(plan.limits.timeout.unwrap_or(TIMEOUT));
        Ok(plan)
    }
}

/// Loads the logic again and replaces that of the rooms, once at a time.
fn replacing(source: Arc<Source>, rooms: Rooms) -> Replace {
    let one_at_a_time = Arc::new(Mutex::new(()));
    Arc::new(move || {
        let (source, rooms) = (source.clone(), rooms.clone());
        let one_at_a_time = one_at_a_time.clone();
        // The administrator may hang up meanwhile.
        let replacing = tokio::spawn(async move {
            let _guard = one_at_a_time.lock().await;
            let tokio = Handle::current();
            let loading = tokio::task::spawn_blocking(move || {
                let mut phases =
                    Phases::new(false, super::Budget::new(std::time::Instant::now(), None));
                source.load(&mut phases, &tokio)
            });
            let logic = match loading.await {
                Ok(Ok(logic)) => logic,
                Ok(Err(reason)) => {
                    let reason = Message(format!("{reason:#}")).to_string();
                    error!(reason, "logic not replaced");
                    return Err(reason);
                }
                Err(defect) => return Err(defect.to_string()),
            };
            Ok(rooms.replace(logic).await)
        });
        let replaced = async move {
            match replacing.await {
                Ok(replaced) => replaced,
                Err(defect) => Err(defect.to_string()),
            }
        };
        Box::pin(replaced) as Pin<Box<dyn Future<Output = Result<Replaced, String>> + Send>>
    })
}

async fn on_hangup(mut hangups: signals::Hangups, replace: Replace) {
    while hangups.next().await.is_some() {
        // The result is in the log.
        let _ = replace().await;
    }
}

/// Replaces the logic when the files have changed, and have then stayed the same for a moment.
async fn on_change(files: Vec<std::path::PathBuf>, replace: Replace) {
    let state = || -> Vec<_> {
        let of_file = |path: &std::path::PathBuf| {
            let metadata = path.metadata().ok()?;
            Some((metadata.modified().ok()?, metadata.len()))
        };
        files.iter().map(of_file).collect()
    };
    let mut served = state();
    let mut seen = served.clone();
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let now = state();
        if now != served && now == seen {
            served = now.clone();
            info!("files have changed");
            let _ = replace().await;
        }
        seen = now;
    }
}
