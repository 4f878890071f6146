// GatewayClass, and XMesh, which has the same fields.
import type { ObjectReference } from '../types.ts'

/** Spec of a GatewayClass or an XMesh. */
export interface GatewayClassSpec {
  /** `weft.dev/gateway-controller` is this mesh. */
  readonly controllerName: string
  readonly description?: string
  readonly parametersRef?: ObjectReference
}
