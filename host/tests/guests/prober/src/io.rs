use crate::Report;
use wasip2::{
    cli::{stdin::get_stdin, stdout::get_stdout},
    clocks::monotonic_clock::subscribe_duration,
    io::{
        poll::poll,
        streams::{InputStream, OutputStream, StreamError},
    },
};

/// Tries the streams that `cli` has tried: these functions do nothing without a handle.
pub fn probe(report: &mut Report) {
    let timer = subscribe_duration(0);
    timer.block();
    let is_ready = timer.ready() && poll(&[&timer]) == [0];
    report.tell_each(
        "io/poll",
        &["pollable.ready", "pollable.block", "poll"],
        if is_ready { "shared" } else { crate::NOTHING },
    );
    input(report, &get_stdin());
    output(report, &get_stdout(), &get_stdin());
}

fn input(report: &mut Report, stream: &InputStream) {
    let mut tell = |function: &str, read: Result<u64, StreamError>| {
        let outcome = match read {
            Ok(0) | Err(_) => crate::NOTHING.to_owned(),
            Ok(count) => format!("reached {count} bytes"),
        };
        report.tell(&format!("io/streams#input-stream.{function}"), outcome);
    };
    let length = |read: Result<Vec<u8>, StreamError>| read.map(|bytes| bytes.len() as u64);
    tell("blocking-read", length(stream.blocking_read(1)));
    tell("read", length(stream.read(1)));
    tell("blocking-skip", stream.blocking_skip(1));
    tell("skip", stream.skip(1));
    stream.subscribe().block();
    report.tell("io/streams#input-stream.subscribe", "shared");
}

/// Writes texts that name the function, for the reader of the stream to find.
fn output(report: &mut Report, stream: &OutputStream, input: &InputStream) {
    const TEXT: &[u8] = b"written to stdout\n";
    let ready = || {
        stream.subscribe().block();
        stream.check_write()
    };
    let outcomes = [
        ("check-write", ready().map(drop)),
        ("write", ready().and_then(|_| stream.write(TEXT))),
        ("flush", stream.flush()),
        ("blocking-flush", stream.blocking_flush()),
        (
            "blocking-write-and-flush",
            stream.blocking_write_and_flush(TEXT),
        ),
        ("write-zeroes", ready().and_then(|_| stream.write_zeroes(0))),
        (
            "blocking-write-zeroes-and-flush",
            stream.blocking_write_zeroes_and_flush(0),
        ),
        ("splice", stream.splice(input, 1).map(drop)),
        (
            "blocking-splice",
            stream.blocking_splice(input, 1).map(drop),
        ),
    ];
    for (function, outcome) in outcomes {
        let outcome = match outcome {
            Ok(()) => "written to",
            Err(StreamError::Closed) => "closed",
            Err(StreamError::LastOperationFailed(_)) => "refused",
        };
        report.tell(&format!("io/streams#output-stream.{function}"), outcome);
    }
    report.tell("io/streams#output-stream.subscribe", "shared");
}
