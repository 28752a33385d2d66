//! End-to-end suite, fixtures and the rules of the house.
