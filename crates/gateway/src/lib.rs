//! The agents' own listener: registration, claims, output, results.
