//! WeCom (企业微信) endpoints.
