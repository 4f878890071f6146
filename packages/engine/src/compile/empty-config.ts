// A proxy before its first resource.
import type { ActiveConfig } from '../model.ts'

/** Nothing configured yet. */
export const emptyConfig: ActiveConfig = { listeners: new Map(), routeConfigs: new Map(), clusters: new Map() }
