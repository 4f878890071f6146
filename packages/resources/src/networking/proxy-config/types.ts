// Spec of Istio's ProxyConfig.

/** How proxies are started. */
export interface ProxyConfigSpec {
  readonly selector?: { readonly matchLabels?: Readonly<Record<string, string>> }
  /** 0: one per core. */
  readonly concurrency?: number
  readonly environmentVariables?: Readonly<Record<string, string>>
  readonly image?: { readonly imageType?: string }
}
