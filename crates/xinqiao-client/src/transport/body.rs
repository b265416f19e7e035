//! Bodies of requests: bytes in memory, and files that are read while they are sent.

use std::{collections::VecDeque, io};

use bytes::{Bytes, BytesMut};

use crate::upload::{Reading, Source};

/// What a request carries. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Body {
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone)]
pub(crate) enum Piece {
    Bytes(Bytes),
    File(Source),
}

impl Body {
    /// Length in bytes.
    pub fn size(&self) -> u64 {
        let sizes = self.pieces.iter().map(|piece| match piece {
            Piece::Bytes(bytes) => bytes.len() as u64,
            Piece::File(source) => source.size(),
        });
        sizes.sum()
    }

    /// Whether there is nothing to send.
    pub fn is_empty(&self) -> bool {
        self.size() == 0
    }

    /// Whether part of it is not in memory.
    pub fn is_streamed(&self) -> bool {
        self.pieces
            .iter()
            .any(|piece| matches!(piece, Piece::File(_)))
    }

    /// What is in memory, one piece after the other; of a streamed file nothing.
    pub fn concat(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for piece in &self.pieces {
            if let Piece::Bytes(bytes) = piece {
                out.extend_from_slice(bytes);
            }
        }
        out
    }

    /// All of it; streamed files are read.
    ///
    /// Cancel safety: of a reader, what was read is lost.
    ///
    /// # Errors
    /// A file cannot be read, or is shorter than it was.
    pub async fn read(&self) -> io::Result<Bytes> {
        let mut out = BytesMut::new();
        let mut chunks = self.chunks();
        while let Some(chunk) = chunks.next().await? {
            out.extend_from_slice(&chunk);
        }
        Ok(out.freeze())
    }

    /// What is to be sent, chunk by chunk.
    pub fn chunks(&self) -> BodyChunks {
        BodyChunks {
            pieces: self.pieces.clone().into(),
            reading: None,
        }
    }

    /// Whether it can be sent a second time.
    pub(crate) fn is_repeatable(&self) -> bool {
        self.pieces.iter().all(|piece| match piece {
            Piece::Bytes(_) => true,
            Piece::File(source) => source.is_repeatable(),
        })
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self::from_iter([Piece::Bytes(bytes)])
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Self::from(Bytes::from(bytes))
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Self::from(Bytes::from(text))
    }
}

impl FromIterator<Piece> for Body {
    fn from_iter<I: IntoIterator<Item = Piece>>(pieces: I) -> Self {
        let filled = |piece: &Piece| !matches!(piece, Piece::Bytes(bytes) if bytes.is_empty());
        Self {
            pieces: pieces.into_iter().filter(filled).collect(),
        }
    }
}

/// A body on its way out.
#[derive(Default)]
pub struct BodyChunks {
    pieces: VecDeque<Piece>,
    reading: Option<Reading>,
}

impl std::fmt::Debug for BodyChunks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BodyChunks")
    }
}

impl BodyChunks {
    /// The next chunk; none at the end.
    ///
    /// Cancel safety: of a reader, what was read is lost.
    ///
    /// # Errors
    /// A file cannot be read, or is shorter than it was.
    pub async fn next(&mut self) -> io::Result<Option<Bytes>> {
        loop {
            if let Some(reading) = &mut self.reading {
                match reading.next().await? {
                    Some(chunk) => return Ok(Some(chunk)),
                    None => self.reading = None,
                }
            }
            match self.pieces.pop_front() {
                None => return Ok(None),
                Some(Piece::Bytes(bytes)) => return Ok(Some(bytes)),
                Some(Piece::File(source)) => self.reading = Some(source.begin().await?),
            }
        }
    }
}
