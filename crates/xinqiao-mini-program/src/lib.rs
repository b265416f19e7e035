//! Mini program (小程序) endpoints.
