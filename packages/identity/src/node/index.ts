// The part of identity that needs node:crypto.
export * from './load-bundle.ts'
export * from './load-svid.ts'
export * from './verify-svid.ts'
