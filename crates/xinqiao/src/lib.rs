//! The Xinqiao SDK: one dependency for every WeChat product.
