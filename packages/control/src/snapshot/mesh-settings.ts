// What holds for the whole mesh and is no object of its own.
import type { MeshConfig } from '@weft/resources'

/** Mesh-wide settings; part of every view that uses them. */
export interface MeshSettings {
  readonly trustDomain: string
  /** Namespace whose policies without a selector hold for the whole mesh. */
  readonly rootNamespace: string
  /** Write one JSON line per request to standard output. */
  readonly accessLog: boolean
  /** What users say about the whole mesh; read from the ConfigMap `istio` of the root namespace. */
  readonly config: MeshConfig
}

/** Istio's defaults. */
export const defaultMeshSettings: MeshSettings = {
  trustDomain: 'cluster.local',
  rootNamespace: 'istio-system',
  accessLog: true,
  config: {},
}
