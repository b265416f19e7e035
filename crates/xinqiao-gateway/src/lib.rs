//! The gateway: a WeChat-shaped proxy with a memory.
