//! OpenAPI 3.1 from the catalog: an export, never a source.
