export { type JsonObject, type LeanAny, LeanDecodeError, LeanReader, tryRead } from './lean-wire.ts'
export { type EncodedResource, type ResourceTable, resourceTable } from './resource-table.ts'
export { layeredTable } from './layered-table.ts'
export { ResourceSet } from './resource-set.ts'
export { addDigest, type Digest, digestText, emptyDigest, subtractDigest, textDigest } from './set-digest.ts'
export { pushOrder, shortTypeName, typeUrl } from './type-urls.ts'
export type { StreamRefusal, XdsStream, XdsStreamHandler } from './xds-stream.ts'
export { newClientState, type ClientEffect, type ClientState } from './client/client-state.ts'
export {
  type ClientRejection,
  onClosed,
  onDeltaResponse,
  onOpen,
  onProcessed,
  onRestore,
  onSotwResponse,
  onWant,
} from './client/client-stream.ts'
export { encodeDeltaResponse, encodeSotwResponse, SharedResponses } from './server/envelope.ts'
export { passThroughService } from './server/pass-through.ts'
export { onDeltaRequest, onSotwRequest, onTable, onWritable } from './server/server-stream.ts'
export { badRequestDetail } from './server/settle.ts'
export {
  newServerState,
  refusalOf,
  type ServerEffect,
  type ServerState,
  type TypeState,
} from './server/stream-state.ts'
