//! Simulated world, call flows, torture, conformance, regressions and interop of offhook.
