// JSON Web Key Sets as Envoy reads them: it refuses the listener when none of the keys is one it knows, and the policies before would stay in force.

/** Members that a key must have, with what their values look like. */
type Shape = Readonly<Record<string, RegExp>>

const base64url = /^[A-Za-z0-9_-]+$/
const curves: Readonly<Record<string, number>> = { 'P-256': 43, 'P-384': 64, 'P-521': 88 }

const shapes: Readonly<Record<string, (key: Key) => Shape>> = {
  // No shorter modulus than 512 bits.
  RSA: () => ({ n: /^[A-Za-z0-9_-]{86,}$/, e: base64url, alg: /^(?:RS|PS)/ }),
  EC({ crv }) {
    const coordinate = new RegExp(`^[A-Za-z0-9_-]{${curves[String(crv)] ?? 0}}$`)
    return { crv: /^P-(?:256|384|521)$/, x: coordinate, y: coordinate, alg: /^ES/ }
  },
  OKP: () => ({ crv: /^Ed25519$/, x: /^[A-Za-z0-9_-]{43}$/, alg: /^EdDSA$/ }),
  oct: () => ({ k: base64url, alg: /^HS/ }),
}

type Key = Readonly<Record<string, unknown>>

/** Why no token could be verified with a text, and the mend; undefined when one could be. */
export function keySetMistake(text: string): { readonly message: string; readonly mend: string } | undefined {
  const keys = keysOf(text)
  if (keys === undefined) {
    const message = 'is not a JSON Web Key Set, so no token could be verified'
    return { message, mend: 'Write {"keys": [...]}, with the public keys of the issuer.' }
  }
  const faults = keys.map(keyFault)
  if (faults.includes(undefined)) return undefined
  const message = `has no key that a token could be verified with: keys[0] ${faults[0]}`
  return { message, mend: 'Write the public keys as the issuer publishes them: kty and n, e (RSA) or crv, x, y (EC).' }
}

function keysOf(text: string): readonly unknown[] | undefined {
  try {
    const { keys } = JSON.parse(text) as { readonly keys?: unknown }
    return Array.isArray(keys) && keys.length > 0 ? keys : undefined
  } catch {
    return undefined
  }
}

function keyFault(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return 'is not an object'
  const key = value as Key
  const shapeOf = shapes[String(key['kty'])]
  if (shapeOf === undefined) return 'has no `kty` of RSA, EC, OKP and oct'
  for (const [name, shape] of Object.entries(shapeOf(key))) {
    const member = key[name]
    // An algorithm need not be said.
    if (name === 'alg' && member === undefined) continue
    if (typeof member !== 'string' || !shape.test(member)) return `has no good \`${name}\``
  }
  return undefined
}
