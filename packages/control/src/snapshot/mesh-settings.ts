// What holds for the whole mesh and is no object of its own.
import type { ExtensionProvider } from '@weft/resources'

/** Mesh-wide settings; part of every view that uses them. */
export interface MeshSettings {
  readonly trustDomain: string
  /** Namespace whose policies without a selector hold for the whole mesh. */
  readonly rootNamespace: string
  /** Write one JSON line per request to standard output. */
  readonly accessLog: boolean
  /** What policies may name. */
  readonly extensionProviders: readonly ExtensionProvider[]
}

/** Istio's defaults. */
export const defaultMeshSettings: MeshSettings = {
  trustDomain: 'cluster.local',
  rootNamespace: 'istio-system',
  accessLog: true,
  extensionProviders: [],
}
