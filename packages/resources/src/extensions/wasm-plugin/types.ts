// What generators read of Istio's WasmPlugin.
import type { Selection } from '../../networking/target-reference.ts'
import type { TelemetrySide } from '../../telemetry/telemetry/types.ts'

/** Where among the filters a module goes. */
export type WasmPhase = 'UNSPECIFIED_PHASE' | 'AUTHN' | 'AUTHZ' | 'STATS'

/** Whether a module is a file beside the proxies: the only kind that is loaded. */
export function isModuleFile(url: string): boolean {
  return /^file:\/\//i.test(url)
}

/** Spec of a WasmPlugin. */
export interface WasmPluginSpec extends Selection {
  /** A file; anything else is never loaded. */
  readonly url: string
  readonly pluginConfig?: object
  readonly pluginName?: string
  readonly phase: WasmPhase
  /** The larger one comes first within its phase. */
  readonly priority: number
  readonly failStrategy?: 'FAIL_CLOSE' | 'FAIL_OPEN'
  readonly vmConfig?: {
    readonly env?: readonly {
      readonly name: string
      readonly valueFrom?: 'INLINE' | 'HOST'
      readonly value?: string
    }[]
  }
  /** One of them must fit. */
  readonly match?: readonly {
    readonly mode?: TelemetrySide | 'CLIENT_AND_SERVER' | 'UNDEFINED'
    readonly ports?: readonly { readonly number: number }[]
  }[]
}
