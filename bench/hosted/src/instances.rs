//! Instances of a composed component, from a pool or allocated on demand.

use wit_host::{Component, Form, Limits, Part, Pool, Runtime, RuntimeOptions, Sandboxes, compose};
use workload::serve;

pub fn serve_instances(is_pooled: bool, consumer: &str, cache: &str) -> anyhow::Result<()> {
    let consumer = Part::new("consumer", Component::open(consumer)?)?;
    let cache = Part::new("cache", Component::open(cache)?)?;
    let composition = compose(&consumer, &[cache], Form::Granted)?;
    let pool = is_pooled.then_some(Pool::new(10, 64 << 20));
    let options = RuntimeOptions::new().pool(pool);
    let program = Runtime::new(&options)?.load(&composition)?;

    let (sandboxes, limits) = (Sandboxes::default(), Limits::default());
    let tokio = tokio::runtime::Builder::new_current_thread().build()?;
    serve(
        |_| (),
        |order, ()| {
            tokio.block_on(async {
                for _ in 0..order.count {
                    let instance = program.instantiate(&sandboxes, &limits).await;
                    drop(instance.expect("there is room"));
                }
            });
        },
    );
    Ok(())
}
