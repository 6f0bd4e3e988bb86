//! The operations listener: what an operator's own systems read.

#![cfg(test)]

mod alerts;
mod dashboard;
mod metrics;
mod pulse;
