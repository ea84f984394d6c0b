//! The prober as a program: it probes for itself, then asks a plug to, and prints what both tell.

mod bindings {
    wit_bindgen::generate!({ path: "../probe.wit", world: "consumer" });
}

use bindings::test::probe::probe;

fn main() {
    if std::env::args().any(|argument| argument == "plug-exits") {
        probe::exit();
    }
    println!("{}", prober::without_network().join("\n"));
    println!("{}", prober::network().join("\n"));
    println!("\nthe plug:\n{}", probe::probe().join("\n"));
}
