// One-time tokens: how the host agent proves itself the first time. Whoever starts both processes writes
// `bootstrap.json` (0600); the control plane reads and removes it, and each token buys one certificate.
// After that the agent is known by its SVID, so a control plane may restart without any token.
import type { Files } from '@weft/core'

/** What the file holds. */
export interface BootstrapFile {
  readonly token: string
}

/** Spends tokens. */
export interface BootstrapTokens {
  /** True once per token. */
  consume(token: string): Promise<boolean>
}

/** Tokens handed over in `file` (absolute path), read when one is shown, so that a later one is found too. */
export function bootstrapTokens(files: Pick<Files, 'read' | 'remove'>, file: string): BootstrapTokens {
  const hashes = new Set<string>()
  const absorb = async (): Promise<void> => {
    const bytes = await files.read(file)
    if (bytes === undefined) return
    await files.remove(file)
    const token = tokenIn(bytes)
    if (token !== undefined) hashes.add(await sha256(token))
  }
  return {
    async consume(token) {
      // Comparing hashes in a set leaks nothing about the token through time.
      const hash = await sha256(token)
      if (!hashes.has(hash)) await absorb()
      return hashes.delete(hash)
    },
  }
}

function tokenIn(bytes: Uint8Array): string | undefined {
  try {
    const value = JSON.parse(Buffer.from(bytes).toString()) as Partial<BootstrapFile> | null
    return typeof value?.token === 'string' && value.token.length >= 32 ? value.token : undefined
  } catch {
    return undefined
  }
}

async function sha256(text: string): Promise<string> {
  return Buffer.from(await crypto.subtle.digest('SHA-256', Buffer.from(text))).toString('hex')
}
