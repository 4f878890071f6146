// What is particular about gRPC in a proxy that otherwise carries it as any HTTP.

/** gRPC's status for an HTTP status (https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md). */
export function grpcStatusOf(status: number): number {
  if (status === 400) return 13
  if (status === 401) return 16
  if (status === 403) return 7
  if (status === 404) return 12
  if (status === 429 || (status >= 502 && status <= 504)) return 14
  return 2
}

const grpcType = 'application/grpc'

/** True for the content type of gRPC, with or without a message format, but not for gRPC-Web. */
export function isGrpcType(contentType: string | undefined): boolean {
  if (contentType?.startsWith(grpcType) !== true) return false
  const next = contentType[grpcType.length]
  return next === undefined || next === '+' || next === ';'
}
