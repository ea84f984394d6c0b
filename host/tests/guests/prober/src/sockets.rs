use crate::{NOTHING, Report, reached};
use wasip2::sockets::{
    instance_network::instance_network,
    ip_name_lookup::resolve_addresses,
    network::{IpAddressFamily, Network},
    tcp_create_socket::create_tcp_socket,
    udp_create_socket::create_udp_socket,
};

const STREAM_OF_ADDRESSES: [&str; 2] = [
    "resolve-address-stream.resolve-next-address",
    "resolve-address-stream.subscribe",
];
const TCP: [&str; 28] = [
    "start-bind",
    "finish-bind",
    "start-connect",
    "finish-connect",
    "start-listen",
    "finish-listen",
    "accept",
    "local-address",
    "remote-address",
    "is-listening",
    "address-family",
    "set-listen-backlog-size",
    "keep-alive-enabled",
    "set-keep-alive-enabled",
    "keep-alive-idle-time",
    "set-keep-alive-idle-time",
    "keep-alive-interval",
    "set-keep-alive-interval",
    "keep-alive-count",
    "set-keep-alive-count",
    "hop-limit",
    "set-hop-limit",
    "receive-buffer-size",
    "set-receive-buffer-size",
    "send-buffer-size",
    "set-send-buffer-size",
    "subscribe",
    "shutdown",
];
const UDP: [&str; 18] = [
    "start-bind",
    "finish-bind",
    "stream",
    "local-address",
    "remote-address",
    "address-family",
    "unicast-hop-limit",
    "set-unicast-hop-limit",
    "receive-buffer-size",
    "set-receive-buffer-size",
    "send-buffer-size",
    "set-send-buffer-size",
    "incoming-datagram-stream.receive",
    "incoming-datagram-stream.subscribe",
    "outgoing-datagram-stream.check-send",
    "outgoing-datagram-stream.send",
    "outgoing-datagram-stream.subscribe",
    "subscribe",
];

/// Tries the network. Any guest can have a network handle, but it is useless: no name is resolved
/// and no socket is created, so there is nothing to call a method on.
pub fn probe(report: &mut Report) {
    let network = instance_network();
    report.tell("sockets/instance-network#instance-network", "a handle");
    names(report, &network);
    for family in [IpAddressFamily::Ipv4, IpAddressFamily::Ipv6] {
        report.tell(
            "sockets/tcp-create-socket#create-tcp-socket",
            reached(create_tcp_socket(family)),
        );
        report.tell(
            "sockets/udp-create-socket#create-udp-socket",
            reached(create_udp_socket(family)),
        );
    }
    report.tell_each("sockets/ip-name-lookup", &STREAM_OF_ADDRESSES, NOTHING);
    report.tell_each("sockets/tcp", &TCP, NOTHING);
    report.tell_each("sockets/udp", &UDP, NOTHING);
    report.tell_each("sockets/network", &["network-error-code"], NOTHING);
}

fn names(report: &mut Report, network: &Network) {
    for name in ["localhost", "127.0.0.1"] {
        report.tell(
            &format!("sockets/ip-name-lookup#resolve-addresses {name}"),
            reached(resolve_addresses(network, name)),
        );
    }
}
