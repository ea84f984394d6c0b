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
    let (master, replica) = (pair_master(cluster)?, find(cluster, "role:slave")?);
    let mut ordered = None::<Instant>;
    cluster.wait_for("the replica takes over", || {
        // The other nodes refuse to vote twice in a short time; the replica then needs another order.
        if ordered.is_none_or(|at| at.elapsed() > Duration::from_secs(1)) {
            cluster.nodes[replica].raw("CLUSTER FAILOVER")?;
            ordered = Some(Instant::now());
        }
        has_role(&cluster.nodes[replica], "role:master")
    })?;
    wait_for_role(cluster, master, "role:slave")
}

fn kill(cluster: &mut Cluster, _: &mut Rng) -> Result<(), Failed> {
    let (master, replica) = (pair_master(cluster)?, find(cluster, "role:slave")?);
    cluster.nodes[master].kill();
    wait_for_role(cluster, replica, "role:master")?;
    cluster.nodes[master].restart()?;
    wait_for_role(cluster, master, "role:slave")
}

fn stall(cluster: &mut Cluster, rng: &mut Rng) -> Result<(), Failed> {
    let (master, replica) = (pair_master(cluster)?, find(cluster, "role:slave")?);
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

/// The first or the last node, whichever has slots: they are each other's replicas.
fn pair_master(cluster: &Cluster) -> Result<usize, Failed> {
    let replica = find(cluster, "role:slave")?;
    Ok(if replica == 0 {
        cluster.nodes.len() - 1
    } else {
        0
    })
}

fn find(cluster: &Cluster, role: &str) -> Result<usize, Failed> {
    for index in [0, cluster.nodes.len() - 1] {
        if has_role(&cluster.nodes[index], role)? {
            return Ok(index);
        }
    }
    Err(format!("no node has {role}").into())
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
