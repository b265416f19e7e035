//! Decodes sample files through the generated types.
