//! State as rows of named, typed, ordered tables.
//!
//! A feature declares its tables as statics and reads and writes rows through them:
//!
//! ```text
//! static TAGS: Table<(Id, u64), Tag> = Table::new("official_account.tags", 1);
//! TAGS.put(turn.world, (appid, 100), tag);
//! ```
//!
//! A table remembers which of its rows changed, so that only these are written to disk. Its version grows when a
//! row's form changes in a way that the old program or the old row would not survive; rows of another version are
//! migrated by the feature or refused by the table's name.

use std::{
    any::Any,
    borrow::Borrow,
    collections::BTreeMap,
    marker::PhantomData,
    ops::{Bound, RangeBounds},
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{key::Key, packed::Packed, world::World};

/// What becomes of a table's rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kept {
    /// On disk and in the export: what the platform remembers.
    World,
    /// On disk, not in the export: what went over the wire.
    Traffic,
    /// In memory: rebuilt from other tables, or of no use after a restart.
    Memory,
}

/// A row: anything that JSON can hold.
pub(crate) trait Row: Serialize + DeserializeOwned + Send + Sync + 'static {}

impl<T: Serialize + DeserializeOwned + Send + Sync + 'static> Row for T {}

/// A named table with rows of `V` by `K`.
pub(crate) struct Table<K, V> {
    name: &'static str,
    version: u32,
    kept: Kept,
    slot: OnceLock<usize>,
    types: PhantomData<fn() -> (K, V)>,
}

/// Where the rows of a world's tables are.
#[derive(Default)]
pub(crate) struct Tables {
    slots: Slots,
    /// Whether anybody wants to know what changed.
    pub(crate) watched: bool,
    /// How many rows changed since somebody asked.
    changed: usize,
}

/// The rows of every table that has some, by the table's number in this process.
type Slots = Vec<Option<Box<dyn Stored>>>;

/// Whose row it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Change {
    pub(crate) table: &'static str,
    pub(crate) version: u32,
    pub(crate) gone: bool,
}

/// The rows of one table.
struct Rows<K, V> {
    map: BTreeMap<K, V>,
    /// Keys of rows that changed, some more than once.
    changed: Vec<K>,
}

trait Stored: Any + Send {
    fn any(&self) -> &dyn Any;
    fn any_mut(&mut self) -> &mut dyn Any;
}

impl<K: Key, V: Send + Sync + 'static> Stored for Rows<K, V> {
    fn any(&self) -> &dyn Any {
        self
    }

    fn any_mut(&mut self) -> &mut dyn Any {
        self
    }
}

impl<K: Key, V: Row> Table<K, V> {
    /// A table of the world.
    pub(crate) const fn new(name: &'static str, version: u32) -> Self {
        Self::kept(name, version, Kept::World)
    }

    /// A table of traffic.
    pub(crate) const fn traffic(name: &'static str, version: u32) -> Self {
        Self::kept(name, version, Kept::Traffic)
    }

    fn exported(&self, key: &Value, row: Value) -> Result<(K, V), String> {
        let key = K::from_json(key)
            .ok_or_else(|| format!("{key} is no key of the table {}", self.name))?;
        let row = serde_json::from_value(row)
            .map_err(|error| format!("a row of {} cannot be read: {error}", self.name))?;
        Ok((key, row))
    }
}

impl<K: Key, V: Send + Sync + 'static> Table<K, V> {
    /// A table in memory, whose rows may be anything.
    pub(crate) const fn memory(name: &'static str) -> Self {
        Self::kept(name, 0, Kept::Memory)
    }

    const fn kept(name: &'static str, version: u32, kept: Kept) -> Self {
        Self {
            name,
            version,
            kept,
            slot: OnceLock::new(),
            types: PhantomData,
        }
    }

    fn slot(&self) -> usize {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        *self
            .slot
            .get_or_init(|| NEXT.fetch_add(1, Ordering::Relaxed))
    }

    fn rows<'w>(&self, tables: &'w Tables) -> Option<&'w Rows<K, V>> {
        let stored = tables.slots.get(self.slot())?.as_ref()?;
        (**stored).any().downcast_ref()
    }

    fn rows_mut<'w>(&self, slots: &'w mut Slots) -> &'w mut Rows<K, V> {
        let slot = self.slot();
        if slots.len() <= slot {
            slots.resize_with(slot + 1, || None);
        }
        let stored = slots[slot].get_or_insert_with(|| {
            Box::new(Rows::<K, V> {
                map: BTreeMap::new(),
                changed: Vec::new(),
            })
        });
        (**stored)
            .any_mut()
            .downcast_mut()
            .expect("a slot belongs to one table, whose types are fixed")
    }

    /// The rows, and a note that this one changes.
    fn changing<'w>(&self, tables: &'w mut Tables, key: &K) -> &'w mut BTreeMap<K, V> {
        let rows = self.rows_mut(&mut tables.slots);
        let watched = tables.watched && self.kept != Kept::Memory;
        if watched && rows.changed.last() != Some(key) {
            rows.changed.push(key.clone());
            tables.changed += 1;
        }
        &mut rows.map
    }

    /// A row.
    pub(crate) fn get<'w, Q: Ord + ?Sized>(&self, world: &'w World, key: &Q) -> Option<&'w V>
    where
        K: Borrow<Q>,
    {
        self.rows(&world.tables)?.map.get(key)
    }

    /// A row with its key, as it is kept: shares the key's text.
    pub(crate) fn entry<'w, Q: Ord + ?Sized>(
        &self,
        world: &'w World,
        key: &Q,
    ) -> Option<(&'w K, &'w V)>
    where
        K: Borrow<Q>,
    {
        self.rows(&world.tables)?.map.get_key_value(key)
    }

    /// Whether there is such a row.
    pub(crate) fn has<Q: Ord + ?Sized>(&self, world: &World, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.get(world, key).is_some()
    }

    /// A row to change. It counts as changed.
    pub(crate) fn get_mut<'w, Q: Ord + ?Sized>(
        &self,
        world: &'w mut World,
        key: &Q,
    ) -> Option<&'w mut V>
    where
        K: Borrow<Q>,
    {
        let (key, _) = self.rows(&world.tables)?.map.get_key_value(key)?;
        let key = key.clone();
        self.changing(&mut world.tables, &key).get_mut::<K>(&key)
    }

    /// A row to change, made if it is missing.
    pub(crate) fn or_default<'w>(&self, world: &'w mut World, key: K) -> &'w mut V
    where
        V: Default,
    {
        self.changing(&mut world.tables, &key)
            .entry(key)
            .or_default()
    }

    /// Puts a row in place, and gives back the one before.
    pub(crate) fn put(&self, world: &mut World, key: K, row: V) -> Option<V> {
        self.changing(&mut world.tables, &key).insert(key, row)
    }

    /// Takes a row away.
    pub(crate) fn remove<Q: Ord + ?Sized>(&self, world: &mut World, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let (key, _) = self.rows(&world.tables)?.map.get_key_value(key)?;
        let key = key.clone();
        self.changing(&mut world.tables, &key).remove::<K>(&key)
    }

    /// Rows from one key on, in order.
    pub(crate) fn range<'w, R: RangeBounds<K>>(
        &self,
        world: &'w World,
        range: R,
    ) -> impl DoubleEndedIterator<Item = (&'w K, &'w V)> + use<'w, K, V, R> {
        let rows = self.rows(&world.tables);
        rows.into_iter().flat_map(move |rows| {
            let bounds = (range.start_bound().cloned(), range.end_bound().cloned());
            rows.map.range(bounds)
        })
    }

    /// All rows, in order.
    pub(crate) fn all<'w>(
        &self,
        world: &'w World,
    ) -> impl DoubleEndedIterator<Item = (&'w K, &'w V)> + use<'w, K, V> {
        let rows = self.rows(&world.tables);
        rows.into_iter().flat_map(|rows| rows.map.iter())
    }

    /// How many rows there are.
    pub(crate) fn len(&self, world: &World) -> usize {
        self.rows(&world.tables).map_or(0, |rows| rows.map.len())
    }

    /// Puts many rows in place at once, best in order: for a table in memory that is rebuilt.
    pub(crate) fn fill(&self, world: &mut World, rows: Vec<(K, V)>) {
        debug_assert_eq!(self.kept, Kept::Memory, "nobody notes what changes");
        fill(&mut self.rows_mut(&mut world.tables.slots).map, rows);
    }

    /// Forgets every row.
    pub(crate) fn clear(&self, world: &mut World) {
        let keys: Vec<K> = self.all(world).map(|(key, _)| key.clone()).collect();
        for key in keys {
            self.changing(&mut world.tables, &key).remove(&key);
        }
    }
}

impl<A: Key, B: Key, V: Send + Sync + 'static> Table<(A, B), V> {
    /// Rows whose key begins with this, in order.
    pub(crate) fn under<'w>(
        &self,
        world: &'w World,
        prefix: &A,
    ) -> impl Iterator<Item = (&'w B, &'w V)> + use<'w, A, B, V> {
        let prefix = prefix.clone();
        self.range(world, (prefix.clone(), B::first())..)
            .take_while(move |(key, _)| key.0 == prefix)
            .map(|(key, row)| (&key.1, row))
    }

    /// Rows behind a key that have the same beginning, in order.
    pub(crate) fn after<'w>(
        &self,
        world: &'w World,
        key: (A, B),
    ) -> impl Iterator<Item = (&'w B, &'w V)> + use<'w, A, B, V> {
        let prefix = key.0.clone();
        self.range(world, (Bound::Excluded(key), Bound::Unbounded))
            .take_while(move |(key, _)| key.0 == prefix)
            .map(|(key, row)| (&key.1, row))
    }

    /// Takes away the rows whose key begins with this.
    pub(crate) fn remove_under(&self, world: &mut World, prefix: &A) -> Vec<(B, V)> {
        let ends: Vec<B> = self
            .under(world, prefix)
            .map(|(end, _)| end.clone())
            .collect();
        ends.into_iter()
            .filter_map(|end| {
                let key = (prefix.clone(), end);
                let row = self.remove(world, &key)?;
                Some((key.1, row))
            })
            .collect()
    }
}

/// Rows of a table on their way from the disk into the world: what is done without the world, and so beside it.
pub(crate) trait Loading: Send {
    /// A row as it stands on disk.
    fn row(&mut self, key: &[u8], row: &[u8]) -> Result<(), String>;
    /// A row as a migration has it.
    fn migrated(&mut self, key: &Value, row: Value) -> Result<(), String>;
    /// All are there.
    fn done(self: Box<Self>, world: &mut World);
}

struct Loaded<K: 'static, V: 'static> {
    table: &'static Table<K, V>,
    rows: Vec<(K, V)>,
}

impl<K: Key, V: Row> Loading for Loaded<K, V> {
    fn row(&mut self, key: &[u8], row: &[u8]) -> Result<(), String> {
        let name = self.table.name;
        let mut rest = key;
        let key = K::read(&mut rest)
            .filter(|_| rest.is_empty())
            .ok_or_else(|| format!("a key of {name} cannot be read"))?;
        let row = serde_json::from_slice(row)
            .map_err(|error| format!("a row of {name} cannot be read: {error}"))?;
        self.rows.push((key, row));
        Ok(())
    }

    fn migrated(&mut self, key: &Value, row: Value) -> Result<(), String> {
        self.rows.push(self.table.exported(key, row)?);
        Ok(())
    }

    fn done(self: Box<Self>, world: &mut World) {
        let rows = self.table.rows_mut(&mut world.tables.slots);
        fill(&mut rows.map, self.rows);
    }
}

/// Rows in order make a map at once, without looking for the place of each.
fn fill<K: Ord, V>(map: &mut BTreeMap<K, V>, rows: Vec<(K, V)>) {
    if map.is_empty() {
        *map = rows.into_iter().collect();
    } else {
        map.extend(rows);
    }
}

/// What the house does with every table, whatever is in it.
pub(crate) trait AnyTable: std::fmt::Debug + Sync {
    fn name(&self) -> &'static str;
    fn version(&self) -> u32;
    fn kept(&self) -> Kept;
    /// Takes the rows that changed.
    fn changes(&self, tables: &mut Tables, into: &mut Packed<Change>);
    /// Counts every row as changed: for a file that holds none of them yet.
    fn touch(&self, tables: &mut Tables);
    /// Begins to take rows in as they stand on disk.
    fn loading(&'static self) -> Box<dyn Loading>;
    /// Takes a row in as an export has it.
    fn import(&self, world: &mut World, key: &Value, row: Value) -> Result<(), String>;
    /// Writes the rows, one a line, for an export.
    fn export(&self, world: &World, into: &mut Vec<u8>);
    /// The key of these bytes, for a migration.
    fn key_of(&self, bytes: &[u8]) -> Option<Value>;
}

impl<K: Key, V: Row> AnyTable for Table<K, V> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn version(&self) -> u32 {
        self.version
    }

    fn kept(&self) -> Kept {
        self.kept
    }

    fn changes(&self, tables: &mut Tables, into: &mut Packed<Change>) {
        if self.rows(tables).is_none_or(|rows| rows.changed.is_empty()) {
            return;
        }
        let rows = self.rows_mut(&mut tables.slots);
        let mut changed = std::mem::take(&mut rows.changed);
        changed.sort_unstable();
        changed.dedup();
        for key in changed {
            let row = rows.map.get(&key);
            let change = Change {
                table: self.name,
                version: self.version,
                gone: row.is_none(),
            };
            into.push(
                change,
                |bytes| key.write(bytes),
                |bytes| {
                    if let Some(row) = row {
                        serde_json::to_writer(bytes, row)
                            .expect("a row holds nothing that JSON cannot");
                    }
                },
            );
        }
    }

    fn touch(&self, tables: &mut Tables) {
        if self.kept == Kept::Memory || self.rows(tables).is_none() {
            return;
        }
        let rows = self.rows_mut(&mut tables.slots);
        rows.changed.extend(rows.map.keys().cloned());
        tables.changed += self.rows(tables).map_or(0, |rows| rows.changed.len());
    }

    fn loading(&'static self) -> Box<dyn Loading> {
        Box::new(Loaded {
            table: self,
            rows: Vec::new(),
        })
    }

    fn import(&self, world: &mut World, key: &Value, row: Value) -> Result<(), String> {
        let (key, row) = self.exported(key, row)?;
        self.put(world, key, row);
        Ok(())
    }

    fn export(&self, world: &World, into: &mut Vec<u8>) {
        for (index, (key, row)) in self.all(world).enumerate() {
            if index > 0 {
                into.extend(b",");
            }
            into.extend(b"\n   [");
            into.extend(key.to_json().to_string().as_bytes());
            into.extend(b",");
            serde_json::to_writer(&mut *into, row).expect("a row holds nothing that JSON cannot");
            into.extend(b"]");
        }
    }

    fn key_of(&self, bytes: &[u8]) -> Option<Value> {
        K::read(&mut { bytes }).map(|key| key.to_json())
    }
}

impl Tables {
    /// How many rows changed since [`AnyTable::changes`] was asked of all tables.
    pub(crate) fn changed(&self) -> usize {
        self.changed
    }

    /// The changes were taken.
    pub(crate) fn settled(&mut self) {
        self.changed = 0;
    }
}

impl std::fmt::Debug for Tables {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tables").finish_non_exhaustive()
    }
}

impl<K, V> std::fmt::Debug for Table<K, V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Table").field(&self.name).finish()
    }
}
