//! The program that runs jobs on behalf of the daemon.
