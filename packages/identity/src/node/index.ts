// The part of identity that needs node:crypto.
export * from './certificate-to-pem.ts'
export * from './verify-svid.ts'
