//! The rules of the house. Its test target lives in `house/`.
