//! Demangling of Rust and C++ function names.

mod itanium;

use crate::untrusted::Cut;
use cpp_demangle::{BorrowedSymbol, DemangleOptions};
use std::fmt::{self, Display, Formatter, Write};

/// The longest mangled name that is demangled, in bytes; real ones rarely reach a thousand.
const MAX_MANGLED: usize = 4096;

/// The largest length of a demangled name, in characters. A mangled name can refer back to its own
/// beginning, so the demangled name can be exponentially longer; demangling stops at this length.
const MAX_SHOWN: usize = 1000;

/// Displays the name of a function: demangled if it is mangled, and cut with `…` if it is too long.
///
/// Displaying takes microseconds, for the worst names milliseconds, and no more memory than the output.
/// The name is not escaped; that is left to [`untrusted`](crate::untrusted).
pub(crate) struct Demangled<'a>(pub(crate) &'a str);

impl Display for Demangled<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mangled = self.0;
        let demangled = (mangled.len() <= MAX_MANGLED)
            .then(|| of_rust(mangled).or_else(|| of_cpp(mangled)))
            .flatten();
        match demangled {
            Some(name) => f.write_str(&name),
            None => f.write_str(&cut(|out| out.write_str(mangled)).unwrap_or_default()),
        }
    }
}

fn of_rust(mangled: &str) -> Option<String> {
    let name = rustc_demangle::try_demangle(mangled).ok()?;
    cut(|out| write!(out, "{name:#}"))
}

fn of_cpp(mangled: &str) -> Option<String> {
    if !itanium::is_plain(mangled.as_bytes()) {
        return None;
    }
    let symbol = BorrowedSymbol::new(mangled.as_bytes()).ok()?;
    cut(|out| symbol.structured_demangle(out, &DemangleOptions::default()))
}

/// The text that `write` writes, cut at [`MAX_SHOWN`]; `None` if writing fails for another reason.
fn cut(write: impl FnOnce(&mut Cut<String>) -> fmt::Result) -> Option<String> {
    let mut out = Cut {
        out: String::new(),
        left: MAX_SHOWN,
    };
    match write(&mut out) {
        Ok(()) => Some(out.out),
        Err(fmt::Error) if out.left == 0 => Some(out.out + "…"),
        Err(fmt::Error) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    fn demangled(name: &str) -> String {
        Demangled(name).to_string()
    }

    #[test]
    fn names_are_demangled() {
        for (mangled, name) in [
            (
                "_ZN4core9panicking5panic17h0123456789abcdefE",
                "core::panicking::panic",
            ),
            ("_RNvCs1234_7mycrate3foo", "mycrate::foo"),
            ("_ZN5cache3getEv", "cache::get()"),
            (
                "_ZN5cache3setERKNSt3__112basic_stringIcNS0_11char_traitsIcEENS0_9allocatorIcEEEEj",
                "cache::set(std::__1::basic_string<char, std::__1::char_traits<char>, std::__1::allocator<char> > const&, unsigned int)",
            ),
            (
                "_ZNSt3__16vectorIiNS_9allocatorIiEEEixB8ne190000Em",
                "std::__1::vector<int, std::__1::allocator<int> >::operator[][abi:ne190000](unsigned long)",
            ),
            (
                "_ZStlsISt11char_traitsIcEERSt13basic_ostreamIcT_ES5_c",
                "std::basic_ostream<char, std::char_traits<char> >& std::operator<< <std::char_traits<char> >(std::basic_ostream<char, std::char_traits<char> >&, char)",
            ),
            (
                "_ZZ4mainENKUlvE_clEv",
                "main::{lambda()#1}::operator()() const",
            ),
            (
                "_ZThn8_N3Foo3barEPFvPKcE",
                "{virtual override thunk({offset(-8)}, Foo::bar(void (*)(char const*)))}",
            ),
            ("_Z1fILi5EEvv", "void f<5>()"),
            ("plain_c", "plain_c"),
            ("_Z", "_Z"),
        ] {
            assert_eq!(demangled(mangled), name);
        }
    }

    #[test]
    fn names_with_exponential_demangling_time_are_not_demangled() {
        for (start, repeated) in [
            ("_Z1fIX", "dl"),
            ("_Z1fIX", "gsdl"),
            ("_Z1fIX", "nw_"),
            ("_Z1fI", "Dt"),
            ("_Z", "StUl"),
            ("_Z", "ZUl"),
            ("_ZN1fcv", "T_I"),
        ] {
            let name = start.to_owned() + &repeated.repeat(40);
            assert!(!itanium::is_plain(name.as_bytes()), "{name}");
            assert_eq!(demangled(&name), name);
        }
    }

    /// A name of nested types: each level repeats the level before it `times` times.
    fn wide(levels: usize, times: usize) -> String {
        let digits = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
        let mut name = "_Z1f1PIiiE".to_owned();
        for digit in &digits[..levels] {
            let before = char::from(*digit);
            name += &format!("S_I{}E", format!("S{before}_").repeat(times));
        }
        name
    }

    #[test]
    fn a_name_that_expands_exponentially_is_cut() {
        let start = Instant::now();
        let mut cut = 0;
        for (levels, times) in [(1, 2), (9, 16), (30, 2), (30, 30), (36, 3), (2, 1000)] {
            let shown = demangled(&wide(levels, times));
            assert!(shown.chars().count() <= MAX_SHOWN + 1);
            cut += usize::from(shown.starts_with("f(P<") && shown.ends_with('…'));
        }
        assert_eq!(
            cut, 4,
            "all but the first, and the last, which is too long to demangle"
        );
        // Twelve nested tuples, each of which repeats the one before it four times.
        let mut rust = "_RINvC1a1b".to_owned();
        let mut before = rust.len() - 2;
        rust.push_str("TllE");
        for _ in 0..12 {
            let here = rust.len() - 2;
            let backref = format!("B{}_", base_62(before));
            rust.push_str(&format!("T{}E", backref.repeat(4)));
            before = here;
        }
        rust.push('E');
        let shown = demangled(&rust);
        assert!(
            shown.starts_with("a::b::<(i32, i32), ((i32") && shown.ends_with('…'),
            "{shown}"
        );
        assert!(
            start.elapsed() < Duration::from_secs(5),
            "{:?}",
            start.elapsed()
        );
    }

    /// A number as back references write it: `B_` is 0 and `B0_` is 1.
    fn base_62(number: usize) -> String {
        let digits = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
        match number {
            0 => String::new(),
            1..=62 => (digits[number - 1] as char).to_string(),
            _ => format!(
                "{}{}",
                digits[(number - 1) / 62] as char,
                digits[(number - 1) % 62] as char
            ),
        }
    }

    /// Random combinations of pieces of mangled names: demangling is fast for all of them, and its
    /// output is bounded.
    #[test]
    fn no_name_takes_long() {
        const PIECES: [&str; 62] = [
            "_Z", "_R", "N", "E", "I", "J", "X", "L", "S_", "S0_", "S1_", "St", "Sa", "T_", "T0_",
            "P", "R", "K", "F", "v", "i", "1f", "3foo", "A", "_", "A1_", "M", "Dp", "Dt", "DT",
            "Do", "U", "Ul", "Ut_", "cv", "li", "dl", "da", "nw", "gs", "sr", "on", "dn", "cl",
            "il", "sz", "dt", "sp", "fp_", "Li1E", "IJDpT_E", "UlvE_", "Z", "1fI", "B_", "B0_",
            "C1a", "Nv", "T", "B1x", "C1", "Thn8_",
        ];
        let mut rng = fastrand::Rng::with_seed(1);
        let mut slowest = (Duration::ZERO, String::new());
        let mut demangled_names = 0;
        for _ in 0..20_000 {
            let mut pieces = vec![
                *rng.choice(["_Z", "_Z1f", "_ZN", "_RINvC1a1b"])
                    .as_ref()
                    .expect("one"),
            ];
            for _ in 0..rng.usize(..30) {
                let piece = PIECES[rng.usize(..PIECES.len())];
                pieces.extend(std::iter::repeat_n(piece, rng.usize(1..6)));
            }
            let name = pieces.concat();
            let start = Instant::now();
            let shown = demangled(&name);
            slowest = slowest.max((start.elapsed(), name.clone()));
            demangled_names += usize::from(shown != name);
            assert!(shown.chars().count() <= MAX_SHOWN + 1, "{name}");
        }
        assert!(
            demangled_names > 100,
            "{demangled_names} names mean something"
        );
        assert!(slowest.0 < Duration::from_secs(2), "{slowest:?}");
    }

    #[test]
    fn a_long_name_is_cut() {
        let long = "x".repeat(MAX_SHOWN);
        assert_eq!(demangled(&long), long);
        assert_eq!(demangled(&format!("{long}x")), format!("{long}…"));
        let mangled = format!("_ZN{}1fEv", "3foo".repeat(MAX_MANGLED / 4));
        assert!(demangled(&mangled).starts_with("_ZN3foo3foo"));
    }
}
