//! F17 in a cluster: a node fails over to its replica, by order, because it is killed, and because it stalls.

use super::{
    cluster::Cluster,
    faults::torture,
    model::Loss,
    server::{Server, trial},
};
use fastrand::Rng;
use libtest_mimic::{Failed, Trial};
use std::{
    thread,
    time::{Duration, Instant},
};

/// The time between two orders to take over. Redis 7.0 counts the votes of an election that is younger than 4 s
/// for the next order as well, so that a node without votes takes over, and writes are lost.
const BETWEEN_ORDERS: Duration = Duration::from_millis(4500);

pub fn trials() -> Vec<Trial> {
    [
        ("failing_over", fail_over as Fault, Loss::Nothing),
        ("killed", kill, Loss::GoesBack),
        ("stalled", stall, Loss::GoesBack),
    ]
    .map(|(name, fault, loss)| {
        trial(&format!("faults::cluster_{name}"), move || {
            in_cluster(name, fault, loss)
        })
    })
    .into()
}

/// Makes a fault and waits until the cluster works again.
type Fault = fn(&mut Cluster, &mut Rng) -> Result<(), Failed>;

fn in_cluster(name: &str, fault: Fault, loss: Loss) -> Result<(), Failed> {
    let mut cluster = Cluster::start(1)?;
    // The second and third node are never at fault.
    let url = format!(
        "redis://127.0.0.1:{}/?seed=127.0.0.1:{}&timeout=500ms&connect-timeout=900ms",
        cluster.nodes[0].port, cluster.nodes[1].port
    );
    torture(&format!("cluster {name}"), &url, loss, |rng| {
        fault(&mut cluster, rng)
    })
}

fn fail_over(cluster: &mut Cluster, _: &mut Rng) -> Result<(), Failed> {
    let (master, replica) = pair(cluster)?;
    if let Some(at) = cluster.ordered {
        thread::sleep(BETWEEN_ORDERS.saturating_sub(at.elapsed()));
    }
    cluster.ordered = Some(Instant::now());
    let reply = cluster.nodes[replica].raw("CLUSTER FAILOVER")?;
    if reply != "+OK" {
        return Err(reply.into());
    }
    wait_for_role(cluster, replica, "role:master")?;
    wait_for_role(cluster, master, "role:slave")
}

fn kill(cluster: &mut Cluster, _: &mut Rng) -> Result<(), Failed> {
    let (master, replica) = pair(cluster)?;
    cluster.nodes[master].kill();
    wait_for_role(cluster, replica, "role:master")?;
    cluster.nodes[master].restart()?;
    wait_for_role(cluster, master, "role:slave")
}

fn stall(cluster: &mut Cluster, rng: &mut Rng) -> Result<(), Failed> {
    let (master, replica) = pair(cluster)?;
    cluster.nodes[master].signal("STOP")?;
    // Until the replica is elected, or shorter than that takes.
    let is_elected = if rng.bool() {
        wait_for_role(cluster, replica, "role:master").map(|()| true)
    } else {
        thread::sleep(Duration::from_millis(rng.u64(..400)));
        Ok(false)
    };
    cluster.nodes[master].signal("CONT")?;
    if is_elected? {
        wait_for_role(cluster, master, "role:slave")?;
    }
    cluster.wait_until_it_works()
}

/// The master and the replica among the first and the last node, once they agree which is which.
fn pair(cluster: &Cluster) -> Result<(usize, usize), Failed> {
    let mut found = None;
    cluster.wait_for("one of two nodes is the replica", || {
        let last = cluster.nodes.len() - 1;
        for (master, replica) in [(0, last), (last, 0)] {
            if has_role(&cluster.nodes[master], "role:master")?
                && has_role(&cluster.nodes[replica], "role:slave")?
            {
                found = Some((master, replica));
            }
        }
        Ok(found.is_some())
    })?;
    Ok(found.ok_or("no pair")?)
}

fn has_role(node: &Server, role: &str) -> Result<bool, Failed> {
    Ok(node.raw("INFO replication")?.contains(role))
}

fn wait_for_role(cluster: &Cluster, index: usize, role: &str) -> Result<(), Failed> {
    cluster.wait_for(role, || has_role(&cluster.nodes[index], role))?;
    if cluster.nodes.iter().all(Server::answers) {
        cluster.wait_until_it_works()?;
    }
    Ok(())
}
