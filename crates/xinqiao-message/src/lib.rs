//! Messages, events, passive replies, envelopes and the push state machine.
