//! The packed catalog: a table of contents and deflated postcard sections.
//!
//! A section is inflated and decoded when something in it is first asked for, then kept for the whole program
//! (its bytes are leaked on purpose: every string in the model borrows from them). A section that cannot be read
//! is empty; that the committed blob can be read is a test of this crate, so no caller has to handle it.

use std::io::Read;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use crate::model::{
    DedupRecipe, Diagnosis, Endpoint, Enumeration, ErrorCode, Event, Grant, Host, Issuing, Limit,
    Meaning, MediaLimit, Module, Page, PermissionRow, PermissionTable, Product, Quota, Route,
    TypeDef,
};

/// The committed blob.
static PACKED: &[u8] = include_bytes!("../data/catalog.bin");

/// First bytes of every blob; the last digit is the format version.
pub const MAGIC: &[u8; 4] = b"XQC2";

/// Every path of the platform; the first look-up of a route needs it.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub struct Index {
    /// Routes, sorted by host, path, method, id.
    pub routes: Vec<Route>,
}

/// What every start needs.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub struct Outline {
    /// Hosts.
    pub hosts: Vec<Host>,
    /// Modules, sorted by product and name.
    pub modules: Vec<Module>,
}

/// The rule book.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub struct Rules {
    /// Permission rows.
    pub permissions: Vec<PermissionRow>,
    /// States of the permission table.
    pub permission_tables: Vec<PermissionTable>,
    /// Quotas.
    pub quotas: Vec<Quota>,
    /// Interaction grants.
    pub grants: Vec<Grant>,
    /// Dedup recipes.
    pub dedup: Vec<DedupRecipe>,
    /// Media limits.
    pub media: Vec<MediaLimit>,
    /// Limits of lengths, lives, paces and counts.
    pub limits: Vec<Limit>,
    /// Diagnoses, sorted by rule.
    pub diagnoses: Vec<Diagnosis>,
    /// Browser pages.
    pub pages: Vec<Page>,
    /// Issuing endpoints, sorted by id.
    pub issuing: Vec<Issuing>,
}

/// One product: endpoints sorted by id, its named types and enumerations.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub struct Section {
    /// Endpoints, sorted by id.
    pub endpoints: Vec<Endpoint>,
    /// Named types of endpoints.
    pub types: Vec<TypeDef>,
    /// Enumerations of fields.
    pub enums: Vec<Enumeration>,
}

/// What the fields and values of one product mean: a section of its own, because only people ask for it.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub struct Meanings {
    /// Each once; what a field or value holds is the position plus one.
    pub meanings: Vec<Meaning>,
}

/// All callbacks of one product with their named types.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub struct Events {
    /// Events, sorted by id.
    pub events: Vec<Event>,
}

/// Error codes, sorted by family and code.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub struct Errors {
    /// Codes.
    pub codes: Vec<ErrorCode>,
}

/// Why a blob cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BlobError {
    /// No such section.
    #[error("the catalog has no section `{0}`")]
    Missing(String),
    /// The bytes are not a catalog.
    #[error("the catalog is damaged: {0}")]
    Damaged(&'static str),
    /// A section does not decode.
    #[error("section `{0}` does not decode")]
    Decode(String, #[source] postcard::Error),
}

/// Finds, inflates and decodes one section of a blob; its memory is never freed.
pub fn unpack<T: Deserialize<'static>>(packed: &[u8], name: &str) -> Result<T, BlobError> {
    let rest = packed
        .strip_prefix(MAGIC.as_slice())
        .ok_or(BlobError::Damaged("no magic"))?;
    let (toc, sections) = postcard::take_from_bytes::<Vec<(String, u32, u32)>>(rest)
        .map_err(|source| BlobError::Decode("contents".into(), source))?;
    let (_, start, len) = toc
        .iter()
        .find(|(section, _, _)| section == name)
        .ok_or_else(|| BlobError::Missing(name.into()))?;
    let deflated = sections
        .get(*start as usize..(*start + *len) as usize)
        .ok_or(BlobError::Damaged("section out of bounds"))?;
    let mut raw = Vec::new();
    flate2::read::DeflateDecoder::new(deflated)
        .read_to_end(&mut raw)
        .map_err(|_| BlobError::Damaged("a section does not inflate"))?;
    raw.shrink_to_fit();
    let raw: &'static [u8] = Box::leak(raw.into_boxed_slice());
    postcard::from_bytes(raw).map_err(|source| BlobError::Decode(name.into(), source))
}

/// The committed blob itself, for tools.
#[must_use]
pub fn packed() -> &'static [u8] {
    PACKED
}

fn load<T: Deserialize<'static> + Default>(name: &str) -> T {
    unpack(PACKED, name).unwrap_or_default()
}

/// Hosts, modules.
pub(crate) fn outline() -> &'static Outline {
    static CELL: OnceLock<Outline> = OnceLock::new();
    CELL.get_or_init(|| load("outline"))
}

/// Routes.
pub(crate) fn index() -> &'static Index {
    static CELL: OnceLock<Index> = OnceLock::new();
    CELL.get_or_init(|| load("index"))
}

/// The rule book.
pub(crate) fn rules() -> &'static Rules {
    static CELL: OnceLock<Rules> = OnceLock::new();
    CELL.get_or_init(|| load("rules"))
}

/// Error codes.
pub(crate) fn errors() -> &'static Errors {
    static CELL: OnceLock<Errors> = OnceLock::new();
    CELL.get_or_init(|| load("errors"))
}

/// One product.
pub(crate) fn product(product: Product) -> &'static Section {
    static CELLS: [OnceLock<Section>; 11] = [const { OnceLock::new() }; 11];
    CELLS[product as usize].get_or_init(|| load(product.name()))
}

/// Events of one product. Their named types stand in the product's section.
pub(crate) fn events(product: Product) -> &'static Events {
    static CELLS: [OnceLock<Events>; 11] = [const { OnceLock::new() }; 11];
    CELLS[product as usize].get_or_init(|| load(&format!("{}.events", product.name())))
}

/// What fields and values of one product mean.
pub(crate) fn meanings(product: Product) -> &'static Meanings {
    static CELLS: [OnceLock<Meanings>; 11] = [const { OnceLock::new() }; 11];
    CELLS[product as usize].get_or_init(|| load(&format!("{}.meanings", product.name())))
}
