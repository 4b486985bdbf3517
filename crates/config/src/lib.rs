//! Text to typed settings, every problem at once.
