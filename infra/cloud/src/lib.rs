//! One trait for every cloud, one private module per provider; pacing, errors and prices.
