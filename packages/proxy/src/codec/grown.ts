/** `larger`, beginning with what `array` holds. */
export function grown<T extends Int32Array | Uint8Array>(array: T, larger: T): T {
  larger.set(array)
  return larger
}
