/** Ports each proxy opens on the address of its workload (design section 4). */
export const PROXY_PORTS = { outboundHttp: 15001, admin: 15000, metrics: 15020, health: 15021 } as const
