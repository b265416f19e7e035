//! WeChat Pay API v2 endpoints.
