/** Whether a process of its own stands before a workload: with `grpc` its library takes the place of a proxy. */
export function hasProxy({ proxy }: { readonly proxy: string }): boolean {
  return proxy === 'sidecar' || proxy === 'gateway'
}

/** Whether the control plane configures it: its proxy, or its gRPC library. */
export function isConfigured({ proxy }: { readonly proxy: string }): boolean {
  return proxy !== 'none'
}
