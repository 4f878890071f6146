/** A gRPC method whose messages stay bytes in both directions: what is sent was encoded before, what comes is read by us. */
export interface PassThroughMethod {
  readonly path: string
  readonly requestStream: boolean
  readonly responseStream: boolean
  readonly requestSerialize: (bytes: Uint8Array) => Buffer
  readonly requestDeserialize: (bytes: Buffer) => Buffer
  readonly responseSerialize: (bytes: Uint8Array) => Buffer
  readonly responseDeserialize: (bytes: Buffer) => Buffer
}

/** The methods of a gRPC service (`envoy.service.secret.v3.SecretDiscoveryService`), as streams both ways unless they are `unary`. */
export function passThroughService<M extends string>(
  service: string,
  methods: readonly M[],
  { unary = false } = {},
): Readonly<Record<M, PassThroughMethod>> {
  const entries = methods.map((method): [M, PassThroughMethod] => [
    method,
    {
      path: `/${service}/${method}`,
      requestStream: !unary,
      responseStream: !unary,
      requestSerialize: asBuffer,
      requestDeserialize: asBuffer,
      responseSerialize: asBuffer,
      responseDeserialize: asBuffer,
    },
  ])
  return Object.fromEntries(entries) as Record<M, PassThroughMethod>
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
