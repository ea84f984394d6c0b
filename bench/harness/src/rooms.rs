//! Benchmarks of rooms: messages, memory, and replacing the logic.

use crate::{
    board::{
        Board,
        Target::{Bytes, Count, Pause, Speed},
    },
    contest::{Pace, Quartiles},
    process::Process,
    room_server::{InServer, Memory, RoomServer},
    scratch::Scratch,
    tools::Tools,
};
use std::{path::Path, process::Stdio, thread::sleep, time::Duration};

pub fn compare(tools: &Tools, board: &mut Board) -> anyhow::Result<()> {
    messages(tools, board)?;
    memory(tools, board)?;
    replacing(tools, board)
}

/// The same clients, with a server of components and with one whose logic is part of it.
fn messages(tools: &Tools, board: &mut Board) -> anyhow::Result<()> {
    let ours = RoomServer::start(tools, &tools.guest("relay"), &[])?;
    let native = RoomServer::native(tools)?;
    let (mut to_ours, mut to_native) = (clients(tools, &ours)?, clients(tools, &native)?);
    for (name, work, reach) in [
        ("echo 32 B", "echo 32 1", Some(Speed(0.7))),
        ("echo 32 B, 64 on their way", "echo 32 64", None),
        (
            "broadcast 32 B to 1000",
            "broadcast 32 1000",
            Some(Speed(0.9)),
        ),
        ("broadcast 1 KiB to 1000", "broadcast 1024 1000", None),
    ] {
        let row = format!("S18 {name}; native");
        board.contest(&row, &mut to_ours.at(work), &mut to_native.at(work), reach)?;
        let row = format!("    {name}, processor; native");
        let mut in_ours = InServer {
            server: &ours,
            clients: to_ours.at(work),
        };
        let mut in_native = InServer {
            server: &native,
            clients: to_native.at(work),
        };
        board.contest(&row, &mut in_ours, &mut in_native, None)?;
    }
    Ok(())
}

fn clients(tools: &Tools, server: &RoomServer) -> anyhow::Result<Process> {
    let mut command = tools.ours("room-clients");
    Process::start(command.arg("take-turns").arg(server.address.to_string()))
}

/// Memory, from the differences between servers that have other numbers of rooms and of clients.
fn memory(tools: &Tools, board: &mut Board) -> anyhow::Result<()> {
    let (times, many) = match board.pace {
        Pace::FULL => (3, 10_000),
        _ => (1, 200),
    };
    let few = many / 10;
    let at_a_time = few / 5;
    let mut seen: Vec<[f64; 7]> = Vec::new();
    for _ in 0..times {
        let small = asleep(tools, few, 1, at_a_time)?;
        let crowded = asleep(tools, few, 10, at_a_time)?;
        let socket = per(small, crowded, many - few).all;
        let hibernated = per(crowded, asleep(tools, many, 1, at_a_time)?, many - few).all;

        let server = RoomServer::native(tools)?;
        let mut sockets = clients(tools, &server)?;
        sockets.order("rooms", 1, 0, few)?;
        let small = server.memory()?;
        sockets.order("rooms", 1, few, many - few)?;
        let native = per(small, server.memory()?, many - few).all;
        drop(sockets);
        drop(server);

        let server = RoomServer::start(tools, &tools.guest("relay"), &MANY)?;
        let mut rooms = clients(tools, &server)?;
        rooms.order("rooms", 1, 0, few)?;
        // All rooms have been saved, and are idle.
        sleep(Duration::from_secs(3));
        let small = server.memory()?;
        rooms.order("rooms", 1, few, many - few)?;
        sleep(Duration::from_secs(3));
        let awake = server.metric("rooms_awake")?;
        let live = per(small, server.memory()?, awake - few);
        seen.push([
            socket,
            native,
            live.all - live.guests - socket,
            hibernated,
            awake as f64,
            server.metric("clients")? as f64,
            live.mappings,
        ]);
    }
    let [socket, native, live, hibernated, rooms, sockets, mappings] =
        std::array::from_fn(|place| Quartiles::of(seen.iter().map(|all| all[place]).collect()));
    let row = "S19 an idle socket; native";
    board.memory(row, socket, Some(native), Some(Bytes(16 << 10)));
    let row = "S19 a live room, without the guest's memory";
    board.memory(row, live, None, Some(Bytes(64 << 10)));
    let row = "S19 a hibernated room, without its sockets";
    board.memory(row, hibernated, None, Some(Bytes(1 << 10)));
    board.count("S19 live rooms at a time", rooms, Some(Count(many)));
    board.count(
        "S19 sockets at a time, each in a live room",
        sockets,
        Some(Count(many)),
    );
    board.count("    mappings of a live room", mappings, None);
    Ok(())
}

/// A server that allows more than are measured.
const MANY: [&str; 4] = ["--max-rooms", "20000", "--max-connections", "20000"];

/// The memory of a server whose rooms are asleep. `at_a_time` of them are awake together, and the memory that they took is
/// used again by the next ones.
fn asleep(
    tools: &Tools,
    rooms: u64,
    clients_each: usize,
    at_a_time: u64,
) -> anyhow::Result<Memory> {
    let scratch = Scratch::below(Path::new("/dev/shm"))?;
    let storage = format!("dir:{}", scratch.directory("rooms")?.display());
    let mut flags = MANY.to_vec();
    flags.extend(["--rooms-in", &storage]);
    flags.extend(["--sleep-after", "100ms", "--save-after", "50ms"]);
    let server = RoomServer::start(tools, &tools.guest("relay"), &flags)?;
    let mut clients = clients(tools, &server)?;
    for first in (0..rooms).step_by(at_a_time as usize) {
        clients.order("rooms", clients_each, first, at_a_time)?;
        server.wait_for_sleep()?;
    }
    let joined = server.metric("clients")?;
    anyhow::ensure!(joined == rooms * clients_each as u64, "{joined} joined");
    server.memory()
}

/// The memory and the mappings of one room or one socket.
struct Each {
    all: f64,
    guests: f64,
    mappings: f64,
}

/// A server has this many rooms or sockets more than before.
fn per(before: Memory, after: Memory, number: u64) -> Each {
    let each = |of: fn(Memory) -> u64| (of(after) as f64 - of(before) as f64) / number as f64;
    Each {
        all: each(|memory| memory.all),
        guests: each(|memory| memory.guests),
        mappings: each(|memory| memory.mappings),
    }
}

/// The logic of many rooms is replaced while their clients send messages.
fn replacing(tools: &Tools, board: &mut Board) -> anyhow::Result<()> {
    let (times, rooms) = match board.pace {
        Pace::FULL => (10, 1000),
        _ => (2, 100),
    };
    let server = RoomServer::start(tools, &tools.guest("relay"), &[])?;
    let output = tools
        .ours("room-clients")
        .arg("replace")
        .args([server.address, server.admin].map(|address| address.to_string()))
        .args([rooms, times].map(|number: u64| number.to_string()))
        .stderr(Stdio::inherit())
        .output()?;
    anyhow::ensure!(output.status.success(), "a session was lost, or a message");
    let (mut pauses, mut waits, mut otherwise) = (Vec::new(), Vec::new(), Vec::new());
    for line in String::from_utf8(output.stdout)?.lines() {
        let numbers: Vec<f64> = line.split(' ').map(str::parse).collect::<Result<_, _>>()?;
        let [pause, wait, other] = numbers[..] else {
            anyhow::bail!("a line has three numbers: {line}");
        };
        pauses.push(pause);
        waits.push(wait);
        otherwise.push(other);
    }
    let replaced = Quartiles::of(vec![pauses.len() as f64]);
    let of = Quartiles::of;
    board.time(
        "S20 pause of a room that is replaced",
        of(pauses),
        None,
        Some(Pause(5e6)),
    );
    board.time(
        "S20 longest wait meanwhile; otherwise",
        of(waits),
        Some(of(otherwise)),
        None,
    );
    board.count(
        "S20 rooms replaced, none with a lost message",
        replaced,
        Some(Count(times * rooms)),
    );
    Ok(())
}
