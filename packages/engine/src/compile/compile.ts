// The compilers as one value, for who hands them on.
import { compileCluster } from './cluster.ts'
import { compileEndpoints } from './endpoints.ts'
import { compileListener } from './listener.ts'
import { compileRouteConfig } from './route-config.ts'

/** One function per resource type: bytes of the message to its compiled form, or the field that is wrong. */
export interface Compile {
  readonly compileListener: typeof compileListener
  readonly compileRouteConfig: typeof compileRouteConfig
  readonly compileCluster: typeof compileCluster
  readonly compileEndpoints: typeof compileEndpoints
}

/** All of them. */
export const compile: Compile = Object.freeze({ compileListener, compileRouteConfig, compileCluster, compileEndpoints })
