//! The comparison between a field and its value.

/// A comparison operator; the codes are `AUDIT_EQUAL` and its kin of linux/audit.h.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterEqual,
    /// `&`: any of the value's bits is set.
    BitMask,
    /// `&=`: all of the value's bits are set.
    BitTest,
    /// A combination of bits that is no operator.
    Other(u32),
}

impl Op {
    /// The operators that have a symbol, in the order in which a field's text is searched for
    /// them: those of two characters first, so that `!=` is not taken for `=`.
    pub const SEARCH_ORDER: [Self; 8] = [
        Self::NotEqual,
        Self::GreaterEqual,
        Self::LessEqual,
        Self::BitTest,
        Self::Equal,
        Self::Greater,
        Self::Less,
        Self::BitMask,
    ];

    /// The kernel's code.
    #[must_use]
    pub const fn code(self) -> u32 {
        match self {
            Self::BitMask => 0x0800_0000,
            Self::Less => 0x1000_0000,
            Self::Greater => 0x2000_0000,
            Self::NotEqual => 0x3000_0000,
            Self::Equal => 0x4000_0000,
            Self::BitTest => 0x4800_0000,
            Self::LessEqual => 0x5000_0000,
            Self::GreaterEqual => 0x6000_0000,
            Self::Other(code) => code,
        }
    }

    /// The operator of a kernel code.
    #[must_use]
    pub fn from_code(code: u32) -> Self {
        Self::SEARCH_ORDER
            .into_iter()
            .find(|op| op.code() == code)
            .unwrap_or(Self::Other(code))
    }

    /// The operator as it is written.
    #[must_use]
    pub const fn symbol(self) -> Option<&'static str> {
        Some(match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessEqual => "<=",
            Self::Greater => ">",
            Self::GreaterEqual => ">=",
            Self::BitMask => "&",
            Self::BitTest => "&=",
            Self::Other(_) => return None,
        })
    }

    /// Whether it is `=` or `!=`.
    #[must_use]
    pub const fn is_equality(self) -> bool {
        matches!(self, Self::Equal | Self::NotEqual)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_lead_back() {
        for op in Op::SEARCH_ORDER {
            assert_eq!(Op::from_code(op.code()), op);
        }
        assert_eq!(Op::from_code(0), Op::Other(0));
    }
}
