//! `room-clients take-turns ADDRESS`: clients that take orders (see `../../workload`).
//! `room-clients replace ADDRESS ADMIN ROOMS TIMES`: clients under whom the logic of their rooms is replaced.

mod connected;
mod replaced;
mod turns;

use std::net::SocketAddr;
use tokio::runtime::Builder;

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let tokio = Builder::new_current_thread().enable_all().build()?;
    match args[..] {
        ["take-turns", address] => turns::take(&tokio, address.parse()?),
        ["replace", address, admin, rooms, times] => {
            let servers: [SocketAddr; 2] = [address.parse()?, admin.parse()?];
            tokio.block_on(replaced::observe(servers, rooms.parse()?, times.parse()?))
        }
        _ => anyhow::bail!(
            "usage: room-clients take-turns ADDRESS, room-clients replace ADDRESS ADMIN ROOMS TIMES"
        ),
    }
}
