export * from './object-id.ts'
export * from './result.ts'
export * from './runtime.ts'
export * from './transport.ts'
