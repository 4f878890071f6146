export { type JsonObject, type JsonValue, type LeanAny, LeanDecodeError, LeanReader, tryRead } from './lean-wire.ts'
export { type EncodedResource, type ResourceTable, resourceTable } from './resource-table.ts'
export { layeredTable } from './layered-table.ts'
export { ResourceSet } from './resource-set.ts'
export { addDigest, type Digest, digestText, emptyDigest, subtractDigest, textDigest } from './set-digest.ts'
export { isFullState, pushOrder, shortTypeName, typeUrl } from './type-urls.ts'
export type { XdsStream, XdsStreamHandler } from './xds-stream.ts'
export { newClientState, type Arrived, type ClientEffect, type ClientState } from './client/client-state.ts'
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
export { type PassThroughMethod, passThroughService } from './server/pass-through.ts'
export { onDeltaRequest, onSotwRequest, onTable, onWritable } from './server/server-stream.ts'
export { badRequestDetail, namedErrors } from './server/settle.ts'
export {
  newServerState,
  refusalOf,
  type Refusal,
  type ServerEffect,
  type ServerState,
  type TypeState,
} from './server/stream-state.ts'
export { xdsStreamPair } from './stream-pair.ts'
