// Kubernetes' Ingress, with defaults filled in.

/** Where requests go: a Service (with `name` or `number` of its port), or an object of another kind. */
export interface IngressBackend {
  readonly service?: { readonly name: string; readonly port?: { readonly name?: string; readonly number?: number } }
  readonly resource?: { readonly apiGroup?: string; readonly kind: string; readonly name: string }
}

/** A path and where it leads. */
export interface IngressPath {
  readonly path?: string
  readonly pathType: 'Exact' | 'Prefix' | 'ImplementationSpecific'
  readonly backend: IngressBackend
}

/** Spec of an Ingress. */
export interface IngressSpec {
  readonly ingressClassName?: string
  readonly defaultBackend?: IngressBackend
  readonly tls?: readonly { readonly hosts?: readonly string[]; readonly secretName?: string }[]
  readonly rules?: readonly {
    readonly host?: string
    readonly http?: { readonly paths: readonly IngressPath[] }
  }[]
}

/** Spec of an IngressClass. */
export interface IngressClassSpec {
  /** `weft.dev/ingress-controller` is this mesh. */
  readonly controller?: string
}
