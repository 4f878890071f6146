// The certificate authority and what the gRPC server needs of it.
export * from './bootstrap-tokens.ts'
export * from './certificate-authority.ts'
export * from './check-csr.ts'
export * from './verified-peer.ts'
export * from './own-svid.ts'
export * from './sign-service.ts'
