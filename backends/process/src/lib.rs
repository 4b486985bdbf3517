//! Agents as processes of this host.
