// Names, trust and the decisions about them; library-free, so that the proxy may load it.
export * from './authorise-sign.ts'
export * from './certificate-facts.ts'
export * from './rotation.ts'
export * from './spiffe-id.ts'
export * from './svid-rules.ts'
export * from './trust-bundles.ts'
export * from './workload-id.ts'
