//! The prober as a program: it asks a plug to probe, then probes for itself, and prints what both tell.

mod bindings {
    wit_bindgen::generate!({ path: "../probe.wit", world: "consumer" });
}

use bindings::test::probe::probe;

fn main() {
    if std::env::args().any(|argument| argument == "plug-exits") {
        probe::exit();
    }
    // The plug probes first: it would find nothing in a stream that the consumer has read to its end.
    let of_plug = probe::probe();
    println!("{}", prober::without_network().join("\n"));
    println!("{}", prober::network().join("\n"));
    println!("\nthe plug:\n{}", of_plug.join("\n"));
}
