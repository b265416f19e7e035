//! The simulator: the WeChat platform on a laptop.
