export { type JsonObject, type JsonValue, type LeanAny, LeanDecodeError, tryRead } from './lean-wire.ts'
export { type EncodedResource, type ResourceTable, resourceTable } from './resource-table.ts'
export { isFullState, pushOrder, shortTypeName, typeUrl } from './type-urls.ts'
export type { XdsStream, XdsStreamHandler } from './xds-stream.ts'
