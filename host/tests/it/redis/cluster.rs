//! A Redis Cluster of a test, and the cache on it.

use super::server::{Server, free_port, trial};
use crate::embedding::tokio;
use libtest_mimic::{Failed, Trial};
use std::{
    thread,
    time::{Duration, Instant},
};
use wit_host::{Cache, CacheError, RedisCache};

/// The time within which the nodes must agree.
const AGREEMENT: Duration = Duration::from_secs(30);

pub fn trials() -> Vec<Trial> {
    vec![
        trial("cluster::three_nodes", three_nodes),
        trial("cluster::a_seed_is_dead_or_stalled", seeds),
    ]
}

/// A running cluster: three nodes that share the slots, then the replicas of the first of them.
pub struct Cluster {
    pub nodes: Vec<Server>,
    /// The time of the last order to a replica to take over.
    pub ordered: Option<Instant>,
}

impl Cluster {
    pub fn start(replicas: usize) -> Result<Self, Failed> {
        let mut nodes = Vec::new();
        let mut buses = Vec::new();
        for _ in 0..3 + replicas {
            let bus = free_port()?.to_string();
            nodes.push(Server::start_with(&[
                "--cluster-enabled",
                "yes",
                "--cluster-port",
                &bus,
                "--cluster-node-timeout",
                "500",
                "--repl-diskless-sync-delay",
                "0",
                "--maxmemory-policy",
                "noeviction",
            ])?);
            buses.push(bus);
        }
        let cluster = Self {
            nodes,
            ordered: None,
        };
        for (index, node) in cluster.nodes.iter().enumerate() {
            done(node, &format!("CLUSTER SET-CONFIG-EPOCH {}", index + 1))?;
            if index < 3 {
                let (first, last) = (index * 16384 / 3, (index + 1) * 16384 / 3 - 1);
                done(node, &format!("CLUSTER ADDSLOTSRANGE {first} {last}"))?;
            }
            let meet = format!("CLUSTER MEET 127.0.0.1 {} {}", node.port, buses[index]);
            done(&cluster.nodes[0], &meet)?;
        }
        cluster.wait_until("all nodes know each other", |node| {
            let known = format!("cluster_known_nodes:{}", 3 + replicas);
            Ok(node.raw("CLUSTER INFO")?.contains(&known))
        })?;
        let first = cluster.nodes[0].raw("CLUSTER MYID")?;
        let first = first.lines().last().ok_or("no id")?.to_owned();
        for replica in &cluster.nodes[3..] {
            done(replica, &format!("CLUSTER REPLICATE {first}"))?;
        }
        cluster.wait_until_it_works()?;
        Ok(cluster)
    }

    /// Waits until all nodes agree that all slots are served, and the replica follows its master.
    pub fn wait_until_it_works(&self) -> Result<(), Failed> {
        self.wait_until("the cluster works", |node| {
            let info = node.raw("INFO replication")?;
            let is_linked = !info.contains("role:slave") || info.contains("master_link_status:up");
            Ok(is_linked && node.raw("CLUSTER INFO")?.contains("cluster_state:ok"))
        })
    }

    fn wait_until(
        &self,
        what: &str,
        mut is_true: impl FnMut(&Server) -> Result<bool, Failed>,
    ) -> Result<(), Failed> {
        let mut nodes = self.nodes.iter();
        nodes.try_for_each(|node| self.wait_for(what, || is_true(node)))
    }

    /// Waits until a condition is true.
    pub fn wait_for(
        &self,
        what: &str,
        mut is_true: impl FnMut() -> Result<bool, Failed>,
    ) -> Result<(), Failed> {
        let begun = Instant::now();
        while !is_true()? {
            if begun.elapsed() > AGREEMENT {
                let mut views = String::new();
                for node in self.nodes.iter().filter(|node| node.answers()) {
                    views += &node.raw("CLUSTER NODES")?;
                    views += "\n";
                }
                return Err(format!("{what}: not after {AGREEMENT:?}\n{views}").into());
            }
            thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }
}

fn done(node: &Server, command: &str) -> Result<(), Failed> {
    match node.raw(command)?.as_str() {
        "+OK" => Ok(()),
        reply => Err(format!("{command}: {reply}").into()),
    }
}

fn three_nodes() -> Result<(), Failed> {
    let cluster = Cluster::start(0)?;
    tokio()?.block_on(async {
        let cache = RedisCache::connect(&cluster.nodes[0].url("?cluster=true")).await?;
        for number in 0..100 {
            for key in [
                format!("{number}"),
                format!("{{same}}{number}"),
                format!("}}{{{number}"),
            ] {
                assert!(matches!(cache.get(&key).await, Err(CacheError::NotFound)));
                cache
                    .set(&key, key.as_bytes(), (number % 2 == 0).then_some(100))
                    .await?;
                assert_eq!(cache.get(&key).await?, key.as_bytes());
            }
        }
        for node in &cluster.nodes {
            let size = node.raw("DBSIZE")?;
            let size: usize = size.trim_start_matches(':').parse()?;
            assert!(size > 20, "a node has {size} of 300 entries");
        }
        let large = vec![3; 20 << 20];
        cache.set("large", &large, None).await?;
        assert!(cache.get("large").await? == large);
        cache.set("0", b"", Some(0)).await?;
        assert!(matches!(cache.get("0").await, Err(CacheError::NotFound)));
        cache.delete("1").await?;
        assert!(matches!(cache.delete("1").await, Err(CacheError::NotFound)));
        Ok(())
    })
}

fn seeds() -> Result<(), Failed> {
    let mut cluster = Cluster::start(0)?;
    let dead = free_port()?;
    let ports: Vec<_> = cluster.nodes.iter().map(|node| node.port).collect();
    tokio()?.block_on(async {
        let url = format!(
            "redis://127.0.0.1:{dead}/?seed=127.0.0.1:{}&seed=127.0.0.1:{}",
            ports[1], ports[2]
        );
        let cache = RedisCache::connect(&url).await?;
        for number in 0..20 {
            cache.set(&format!("{number}"), b"v", None).await?;
        }
        // A seed that does not answer takes its share of the time and no more.
        cluster.nodes[0].signal("STOP")?;
        let begun = Instant::now();
        let url = format!(
            "redis://127.0.0.1:{}/?seed=127.0.0.1:{}",
            ports[0], ports[1]
        );
        let connected = RedisCache::connect(&url).await;
        let took = begun.elapsed();
        cluster.nodes[0].signal("CONT")?;
        connected?;
        assert!(took < Duration::from_millis(2500), "{took:?}");
        cluster.nodes.truncate(0);
        let failed = RedisCache::connect(&url)
            .await
            .err()
            .ok_or("there is a cluster")?;
        let expected = format!(
            "failed to connect to Redis at `127.0.0.1:{}`, `127.0.0.1:{}`",
            ports[0], ports[1]
        );
        assert!(failed.to_string().starts_with(&expected), "{failed}");
        Ok(())
    })
}
