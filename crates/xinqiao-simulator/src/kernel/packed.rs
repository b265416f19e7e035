//! Rows on their way to or from the disk: many keys and rows one behind the other in one piece of memory.

/// Keys and rows, each with what is said of it.
#[derive(Debug)]
pub(crate) struct Packed<T> {
    bytes: Vec<u8>,
    rows: Vec<Ends<T>>,
}

/// A key begins where the row before it ends.
#[derive(Debug)]
struct Ends<T> {
    of: T,
    key: usize,
    row: usize,
}

impl<T> Default for Packed<T> {
    fn default() -> Self {
        Self {
            bytes: Vec::new(),
            rows: Vec::new(),
        }
    }
}

impl<T: Copy> Packed<T> {
    pub(crate) fn push(
        &mut self,
        of: T,
        key: impl FnOnce(&mut Vec<u8>),
        row: impl FnOnce(&mut Vec<u8>),
    ) {
        key(&mut self.bytes);
        let key = self.bytes.len();
        row(&mut self.bytes);
        let row = self.bytes.len();
        self.rows.push(Ends { of, key, row });
    }

    /// How many rows there are.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// How many bytes they have.
    pub(crate) fn size(&self) -> usize {
        self.bytes.len()
    }

    /// What is said of each row, its key and itself, in the order in which they came.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (T, &[u8], &[u8])> {
        let mut from = 0;
        self.rows.iter().map(move |ends| {
            let key = &self.bytes[from..ends.key];
            let row = &self.bytes[ends.key..ends.row];
            from = ends.row;
            (ends.of, key, row)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_out_as_they_went_in() {
        let mut packed = Packed::default();
        for (of, key, row) in [(1, "a", "one"), (2, "", ""), (3, "bb", "")] {
            packed.push(
                of,
                |bytes| bytes.extend(key.bytes()),
                |bytes| bytes.extend(row.bytes()),
            );
        }
        let out: Vec<(i32, &[u8], &[u8])> = packed.iter().collect();
        assert_eq!(
            out,
            [(1, &b"a"[..], &b"one"[..]), (2, b"", b""), (3, b"bb", b"")]
        );
        assert_eq!((packed.len(), packed.size()), (3, 6));
    }
}
