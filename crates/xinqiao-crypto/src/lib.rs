//! Signatures and ciphers of the WeChat platform. Bytes in, bytes out.
