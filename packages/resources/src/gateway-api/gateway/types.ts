// The Gateway API's Gateway (not Istio's), with defaults filled in.
import type { LabelSelector, LocalReference, ObjectReference } from '../types.ts'

/** TLS of a listener. */
export interface ListenerTls {
  readonly mode: 'Terminate' | 'Passthrough'
  /** Secrets, unless group and kind say otherwise. */
  readonly certificateRefs?: readonly ObjectReference[]
  readonly options?: Readonly<Record<string, string>>
}

/** Whose routes a listener takes. */
export interface AllowedRoutes {
  readonly namespaces: { readonly from: 'All' | 'Selector' | 'Same'; readonly selector?: LabelSelector }
  readonly kinds?: readonly { readonly group: string; readonly kind: string }[]
}

/** A listener of a Gateway or a ListenerSet. */
export interface GatewayListener {
  readonly name: string
  readonly hostname?: string
  readonly port: number
  /** HTTP, HTTPS, TLS, TCP, UDP, or a name with a domain. */
  readonly protocol: string
  readonly tls?: ListenerTls
  readonly allowedRoutes: AllowedRoutes
}

/** An address that is wanted. */
export interface GatewayAddress {
  /** IPAddress, Hostname, NamedAddress, or a name with a domain. */
  readonly type: string
  readonly value?: string
}

/** How clients are verified. */
export interface FrontendTls {
  readonly validation?: {
    readonly caCertificateRefs: readonly ObjectReference[]
    readonly mode: 'AllowValidOnly' | 'AllowInsecureFallback'
  }
}

/** Spec of a Gateway. */
export interface GatewayAPIGatewaySpec {
  readonly gatewayClassName: string
  readonly listeners: readonly GatewayListener[]
  readonly addresses?: readonly GatewayAddress[]
  readonly infrastructure?: {
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
    readonly parametersRef?: LocalReference
  }
  readonly allowedListeners?: {
    readonly namespaces: { readonly from: 'All' | 'Selector' | 'Same' | 'None'; readonly selector?: LabelSelector }
  }
  readonly tls?: {
    readonly backend?: { readonly clientCertificateRef?: ObjectReference }
    readonly frontend?: {
      readonly default: FrontendTls
      readonly perPort?: readonly { readonly port: number; readonly tls: FrontendTls }[]
    }
  }
  readonly defaultScope?: 'All' | 'None'
}

/** Spec of a ListenerSet. */
export interface ListenerSetSpec {
  readonly parentRef: ObjectReference
  readonly listeners: readonly GatewayListener[]
}
