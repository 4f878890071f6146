// Who is logged in travels in a signed cookie: `<name>.<until, seconds since 1970>.<HMAC>`. Web itself remembers nobody.
import { createHmac, createSecretKey, randomBytes, timingSafeEqual } from 'node:crypto'
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const lifetimeSeconds = 7 * 24 * 3600

export interface Sessions {
  /** The cookie's value for a customer who has just logged in. */
  issue(name: string): string
  /** The name in a cookie's value, if the signature is ours and still good. */
  read(value: string | undefined): string | undefined
}

/** Sessions signed with the key in `DATA_DIR/web-session.key`, made at the first start (mode 0600). */
export function openSessions(): Sessions {
  const key = createSecretKey(openKey(process.env['DATA_DIR'] ?? 'data'))
  const sign = (text: string): Buffer => createHmac('sha256', key).update(text).digest()
  return {
    issue(name) {
      const text = `${Buffer.from(name).toString('base64url')}.${Math.floor(Date.now() / 1000) + lifetimeSeconds}`
      return `${text}.${sign(text).toString('base64url')}`
    },
    read(value) {
      if (value === undefined || value === '') return undefined
      const [name = '', until = '', mac = ''] = value.split('.')
      const given = Buffer.from(mac, 'base64url')
      const wanted = sign(`${name}.${until}`)
      if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) return undefined
      return Number(until) * 1000 > Date.now() ? Buffer.from(name, 'base64url').toString('utf8') : undefined
    },
  }
}

// Several webs may start at once: each writes a key of its own, and the first to link it under the name wins.
function openKey(directory: string): Buffer {
  mkdirSync(directory, { recursive: true })
  const path = join(directory, 'web-session.key')
  const mine = `${path}.${randomBytes(6).toString('hex')}`
  writeFileSync(mine, randomBytes(32), { mode: 0o600 })
  try {
    linkSync(mine, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    rmSync(mine)
  }
  return readFileSync(path)
}
