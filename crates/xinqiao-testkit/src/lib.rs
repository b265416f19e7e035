//! Starts simulators, gateways and apps inside tests.
