//! The prober as a program: it asks a plug to probe, probes too, and prints both reports.

mod bindings {
    wit_bindgen::generate!({ path: "../probe.wit", world: "consumer" });
}

use bindings::test::probe::probe;

fn main() {
    if std::env::args().any(|argument| argument == "plug-exits") {
        probe::exit();
    }
    // The plug probes first: after the consumer, it would find nothing in a stream read to its end.
    let of_plug = probe::probe();
    println!("{}", prober::without_network().join("\n"));
    println!("{}", prober::network().join("\n"));
    println!("\nthe plug:\n{}", of_plug.join("\n"));
}
