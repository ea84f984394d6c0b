//! The four ways of passing data of `examples/data-in-and-out`, as an embedder takes them.

use repeat::{Answer, Order};
use std::path::Path;
use wit_host::{
    Capture, Component, Form, HostFunctions, Input, Instance, Limits, Output, Part, Plan, Runtime,
    RuntimeOptions, Sandbox, Sandboxes, Source, Value, Wasm, compose,
};
use workload::serve;

/// The longest output of a program, in bytes.
const LONGEST: usize = 64 << 20;

/// Repeats a name of the ordered size once.
pub fn serve_calls(way: &str, guest: &Path) -> anyhow::Result<()> {
    let tokio = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()?;
    let mut way = tokio.block_on(Way::new(way, guest))?;
    serve(
        |order| "x".repeat(order.size),
        |order, name| {
            for _ in 0..order.count {
                let repeated = tokio.block_on(way.call(name)).expect("it answers");
                assert_eq!(repeated, [name.as_str()]);
            }
        },
    );
    Ok(())
}

enum Way {
    /// A new instance for each call, as a program runs once.
    Stdio(Box<Plan>, wit_host::Program),
    Exchange(Box<Instance>),
    HandOver(Box<Instance>),
    Record(Box<Instance>),
}

impl Way {
    async fn new(way: &str, guest: &Path) -> anyhow::Result<Self> {
        let wasm = Wasm::read(guest)?;
        if way == "stdio" {
            let source = Source::new("stdio".parse()?, wasm, &[])?;
            let plan = Plan::new(source, Sandboxes::default(), Limits::default())?;
            let program = plan.load(&plan.runtime()?)?;
            return Ok(Self::Stdio(Box::new(plan), program));
        }
        let runtime = Runtime::new(&RuntimeOptions::new())?;
        let program = match way {
            "record" => {
                let part = Part::new("record", Component::try_from(wasm)?)?;
                runtime.load(&compose(&part, &[], Form::Granted)?)?
            }
            _ => {
                let functions = HostFunctions::new().exchange("host");
                runtime.load_module_with(&"json".parse()?, &wasm, &functions)?
            }
        };
        let (sandboxes, limits) = (Sandboxes::default(), Limits::default());
        let instance = Box::new(program.instantiate(&sandboxes, &limits).await?);
        match way {
            "exchange" => Ok(Self::Exchange(instance)),
            "hand-over" => Ok(Self::HandOver(instance)),
            "record" => Ok(Self::Record(instance)),
            other => anyhow::bail!("there is no way `{other}`"),
        }
    }

    async fn call(&mut self, name: &str) -> anyhow::Result<Vec<String>> {
        let json = || {
            let name = name.to_owned();
            serde_json::to_vec(&Order { name, number: 1 })
        };
        let answer = match self {
            Self::Record(instance) => return record(instance, name).await,
            Self::Stdio(plan, program) => {
                let stdout = Capture::new(LONGEST);
                let sandbox = Sandbox::new()
                    .stdin(Input::bytes(json()?))
                    .stdout(Output::captured(&stdout));
                let sandboxes = Sandboxes::new(sandbox);
                let instance = program.instantiate(&sandboxes, &plan.limits).await?;
                instance.run().await;
                stdout.take()
            }
            Self::Exchange(instance) => instance.exchange("repeat", json()?).await?,
            Self::HandOver(instance) => instance.hand_over("repeat", &json()?).await?,
        };
        match serde_json::from_slice(&answer)? {
            Answer::Repeated(names) => Ok(names),
            Answer::Error(error) => anyhow::bail!(error),
        }
    }
}

async fn record(instance: &mut Instance, name: &str) -> anyhow::Result<Vec<String>> {
    let order = Value::Record(vec![
        ("name".to_owned(), name.into()),
        ("number".to_owned(), Value::U32(1)),
    ]);
    let repeat = instance.program().function("repeat")?.clone();
    let answer = instance.call(&repeat, vec![order]).await?.pop();
    let Some(Value::Result(Ok(Some(names)))) = answer else {
        anyhow::bail!("it answered {answer:?}");
    };
    let Value::List(names) = *names else {
        anyhow::bail!("it answered {names:?}");
    };
    let text = |name: Value| match name {
        Value::String(text) => Ok(text),
        other => Err(anyhow::anyhow!("it answered {other:?}")),
    };
    names.into_iter().map(text).collect()
}
