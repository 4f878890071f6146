export { type JsonObject, type JsonValue, type LeanAny, LeanDecodeError, tryRead } from './lean-wire.ts'
