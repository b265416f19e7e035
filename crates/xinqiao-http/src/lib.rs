//! Listeners, limits, event streams, the origin guard and outbound posts for our servers.
