// The configuration of a directory as it is in force: what the supervisor shares with the control plane, so that both
// agree on what a directory says, which objects keep an older version and when a deletion counts.
export { FileSource } from '../sources/file-source.ts'
export { ConfigStore } from './config-store.ts'
export type { StoreState } from './store-state.ts'
