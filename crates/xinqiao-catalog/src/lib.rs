//! The platform as data: endpoints, events, error codes, permissions, quotas; look-up and rules.
