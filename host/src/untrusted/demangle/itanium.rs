//! A check that the C++ demangler reads a mangled name in linear time.
//!
//! The demangler tries the productions of the Itanium C++ ABI's grammar one after the other, and for
//! some names reads the same bytes again in each of them: 60 bytes of nested expressions or closures
//! take it practically for ever, and it cannot be stopped. So a name is read here first, once and
//! without backtracking, by the part of the grammar whose productions are known by their first one or
//! two bytes. Expressions (`decltype`, `enable_if` in a signature) and conversion operators are not in
//! that part; such a name is shown mangled.

/// The largest nesting depth of productions; real names stay below 40.
const MAX_DEPTH: usize = 96;

/// The largest number of closures in a name: the demangler reads each one twice if an error follows.
const MAX_CLOSURES: usize = 4;

/// The two-letter codes of operators, except conversions (`cv`), which contain a type.
const OPERATORS: &[u8] = b"nwnadldapsngaddecoplmimldvrmanoreoaSpLmImLdVrMaNoReOlsrslSrSeqneltgtlegessntaaooppmmcmpmptclixqu";

/// `true` if a mangled name belongs to the part of the grammar that is read without backtracking.
pub(super) fn is_plain(name: &[u8]) -> bool {
    let Some(rest) = name.strip_prefix(b"_Z") else {
        return false;
    };
    let mut reader = Reader {
        rest,
        depth: 0,
        closures: 0,
    };
    reader.encoding().is_some() && (reader.rest.is_empty() || reader.rest[0] == b'.')
}

struct Reader<'a> {
    rest: &'a [u8],
    depth: usize,
    closures: usize,
}

impl Reader<'_> {
    /// `<encoding> ::= <name> <type>*`, or a thunk to one, up to its end.
    fn encoding(&mut self) -> Option<()> {
        if self.eat(b"Th") {
            self.offset()?;
        } else if self.eat(b"Tv") {
            self.offset()?;
            self.offset()?;
        }
        self.name()?;
        while !matches!(self.rest.first(), None | Some(b'E' | b'.')) {
            self.ty()?;
        }
        Some(())
    }

    fn name(&mut self) -> Option<()> {
        self.nested(|reader| match reader.rest.first()? {
            b'N' => reader.nested_name(),
            b'Z' => reader.local_name(),
            b'S' if !reader.rest.starts_with(b"St") => reader.substituted(),
            _ => {
                reader.eat(b"St");
                reader.unqualified_name()?;
                reader.optional_template_args()
            }
        })
    }

    fn nested_name(&mut self) -> Option<()> {
        self.expect(b"N")?;
        while self.eat_any(b"rVK") {}
        self.eat_any(b"RO");
        while !self.eat(b"E") {
            match self.rest.first()? {
                b'I' => self.template_args()?,
                b'T' => self.template_param()?,
                b'S' if !self.eat(b"St") => self.substituted()?,
                b'S' => {}
                _ => self.unqualified_name()?,
            }
        }
        Some(())
    }

    fn local_name(&mut self) -> Option<()> {
        self.expect(b"Z")?;
        self.encoding()?;
        self.expect(b"E")?;
        if !self.eat(b"s") {
            self.name()?;
        }
        self.discriminator()
    }

    /// The number among equal names in a function: `_` and a digit, or `__`, a number and `_`.
    fn discriminator(&mut self) -> Option<()> {
        if self.eat(b"__") {
            self.digits();
            self.expect(b"_")
        } else if self.eat(b"_") {
            self.eat_any(b"0123456789").then_some(())
        } else {
            Some(())
        }
    }

    fn unqualified_name(&mut self) -> Option<()> {
        match self.rest {
            [b'0'..=b'9', ..] => self.source_name()?,
            [b'L', ..] => {
                self.expect(b"L")?;
                self.source_name()?;
            }
            [b'C', b'1'..=b'5', ..] | [b'D', b'0'..=b'5', ..] => self.skip(2)?,
            [b'U', b'l', ..] => self.closure()?,
            [b'U', b't', ..] => {
                self.skip(2)?;
                self.digits();
                self.expect(b"_")?;
            }
            [b'l', b'i', ..] => {
                self.skip(2)?;
                self.source_name()?;
            }
            [first, second, ..] => {
                let is_operator = |known: &[u8]| known == [*first, *second];
                if !OPERATORS.chunks(2).any(is_operator) {
                    return None;
                }
                self.skip(2)?;
            }
            _ => return None,
        }
        while self.eat(b"B") {
            self.source_name()?;
        }
        Some(())
    }

    fn closure(&mut self) -> Option<()> {
        self.closures += 1;
        if self.closures > MAX_CLOSURES {
            return None;
        }
        self.expect(b"Ul")?;
        while !self.eat(b"E") {
            self.ty()?;
        }
        self.digits();
        self.expect(b"_")
    }

    fn ty(&mut self) -> Option<()> {
        self.nested(|reader| match reader.rest {
            [b'r' | b'V' | b'K' | b'P' | b'R' | b'O' | b'C' | b'G', ..] => {
                reader.skip(1)?;
                reader.ty()
            }
            [b'D', b'p', ..] => {
                reader.skip(2)?;
                reader.ty()
            }
            [b'D', letter, ..] if b"defhisacnu".contains(letter) => reader.skip(2),
            [b'F', ..] => reader.function_type(),
            [b'A', ..] => {
                reader.skip(1)?;
                reader.digits();
                reader.expect(b"_")?;
                reader.ty()
            }
            [b'M', ..] => {
                reader.skip(1)?;
                reader.ty()?;
                reader.ty()
            }
            [b'T', ..] => {
                reader.template_param()?;
                reader.optional_template_args()
            }
            [b'N' | b'Z' | b'S' | b'0'..=b'9', ..] => reader.name(),
            [letter, ..] if b"vwbcahstijlmxynofdegz".contains(letter) => reader.skip(1),
            _ => None,
        })
    }

    fn function_type(&mut self) -> Option<()> {
        self.expect(b"F")?;
        self.eat(b"Y");
        self.ty()?;
        while !(self.eat(b"E") || self.eat(b"RE") || self.eat(b"OE")) {
            self.ty()?;
        }
        Some(())
    }

    /// A substitution: a reference to an earlier part of the name, or to a well-known class.
    fn substituted(&mut self) -> Option<()> {
        self.expect(b"S")?;
        if !self.eat_any(b"absiod") {
            while self.eat_any(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") {}
            self.expect(b"_")?;
        }
        self.optional_template_args()
    }

    fn template_param(&mut self) -> Option<()> {
        self.expect(b"T")?;
        self.digits();
        self.expect(b"_")
    }

    fn optional_template_args(&mut self) -> Option<()> {
        if self.rest.first() == Some(&b'I') {
            self.template_args()?;
        }
        Some(())
    }

    fn template_args(&mut self) -> Option<()> {
        self.expect(b"I")?;
        self.template_arg()?;
        while !self.eat(b"E") {
            self.template_arg()?;
        }
        Some(())
    }

    fn template_arg(&mut self) -> Option<()> {
        self.nested(|reader| {
            if reader.eat(b"L") {
                return reader.literal();
            }
            if reader.eat(b"J") {
                while !reader.eat(b"E") {
                    reader.template_arg()?;
                }
                return Some(());
            }
            reader.ty()
        })
    }

    /// A literal after its `L`: a number, or the address of an entity.
    fn literal(&mut self) -> Option<()> {
        if self.eat(b"_Z") {
            self.encoding()?;
        } else {
            self.ty()?;
            self.eat(b"n");
            while self.eat_any(b"0123456789abcdef") {}
        }
        self.expect(b"E")
    }

    fn source_name(&mut self) -> Option<()> {
        let digits = self.rest.iter().take_while(|byte| byte.is_ascii_digit());
        let digits = digits.count();
        let length: usize = str::from_utf8(&self.rest[..digits]).ok()?.parse().ok()?;
        self.skip(digits)?;
        self.skip(length)
    }

    fn offset(&mut self) -> Option<()> {
        self.eat(b"n");
        self.digits();
        self.expect(b"_")
    }

    fn digits(&mut self) {
        while self.eat_any(b"0123456789") {}
    }

    fn nested(&mut self, read: impl FnOnce(&mut Self) -> Option<()>) -> Option<()> {
        if self.depth == MAX_DEPTH {
            return None;
        }
        self.depth += 1;
        read(self)?;
        self.depth -= 1;
        Some(())
    }

    fn skip(&mut self, count: usize) -> Option<()> {
        self.rest = self.rest.get(count..)?;
        Some(())
    }

    fn expect(&mut self, text: &[u8]) -> Option<()> {
        self.eat(text).then_some(())
    }

    fn eat(&mut self, text: &[u8]) -> bool {
        let rest = self.rest.strip_prefix(text);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn eat_any(&mut self, bytes: &[u8]) -> bool {
        match self.rest {
            [first, rest @ ..] if bytes.contains(first) => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }
}
