//! Patterns with wildcards: `*` is any bytes, `?` is one character.

/// A pattern over a whole value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    /// Its pieces: no literal is empty, no two literals and no two stars stand side by side.
    pieces: Vec<Piece>,
    cased: bool,
}

/// A piece of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// These bytes.
    Literal(Vec<u8>),
    /// `*`: any bytes, also none.
    Star,
    /// `?`: one character.
    One,
}

impl Pattern {
    /// A pattern of these pieces, in its one form.
    pub fn new(pieces: impl IntoIterator<Item = Piece>, cased: bool) -> Pattern {
        let mut pattern = Pattern {
            pieces: Vec::new(),
            cased,
        };
        pieces.into_iter().for_each(|piece| pattern.push(piece));
        pattern
    }

    fn push(&mut self, piece: Piece) {
        match (self.pieces.last_mut(), piece) {
            (_, Piece::Literal(bytes)) if bytes.is_empty() => {}
            (Some(Piece::Literal(last)), Piece::Literal(bytes)) => last.extend_from_slice(&bytes),
            (Some(Piece::Star), Piece::Star) => {}
            (_, piece) => self.pieces.push(piece),
        }
    }

    /// Values that contain these bytes.
    pub fn containing(bytes: impl Into<Vec<u8>>, cased: bool) -> Pattern {
        Pattern::new(
            [Piece::Star, Piece::Literal(bytes.into()), Piece::Star],
            cased,
        )
    }

    /// The same with anything before it, and anything after it.
    #[must_use]
    pub fn opened(mut self, start: bool, end: bool) -> Pattern {
        if start && self.pieces.first() != Some(&Piece::Star) {
            self.pieces.insert(0, Piece::Star);
        }
        if end {
            self.push(Piece::Star);
        }
        self
    }

    /// Its pieces.
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// Whether upper and lower case differ.
    pub fn cased(&self) -> bool {
        self.cased
    }

    /// The bytes of a pattern without wildcards.
    pub fn plain(&self) -> Option<&[u8]> {
        match self.pieces.as_slice() {
            [] => Some(b""),
            [Piece::Literal(bytes)] => Some(bytes),
            _ => None,
        }
    }

    /// The bytes that stand in every value that matches, piece by piece.
    pub fn literals(&self) -> impl Iterator<Item = &[u8]> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Literal(bytes) => Some(bytes.as_slice()),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_form() {
        let literal = |text: &str| Piece::Literal(text.into());
        let pattern = Pattern::new(
            [
                literal("a"),
                literal(""),
                literal("b"),
                Piece::Star,
                Piece::Star,
                Piece::One,
            ],
            true,
        );
        assert_eq!(pattern.pieces(), [literal("ab"), Piece::Star, Piece::One]);
        assert_eq!(
            pattern.opened(true, true).opened(true, true).pieces(),
            [
                Piece::Star,
                literal("ab"),
                Piece::Star,
                Piece::One,
                Piece::Star
            ]
        );
        assert_eq!(Pattern::new([literal("x")], true).plain(), Some(&b"x"[..]));
        assert_eq!(Pattern::containing("", true).pieces(), [Piece::Star]);
    }
}
