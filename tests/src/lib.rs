//! What the end-to-end tests share: the product's real binary, a lab of its own, and a place for state.
