// The bookstore without a mesh: every service as a process of its own on 127.0.0.1, told by `*_URL` where the others are.
import { spawn, type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'

export interface PlainShopOptions {
  /** Where the services keep their files. */
  readonly dataDir: string
  /** Port of web; 0, the default, takes any free one. */
  readonly port?: number
  /** Services then call each other by their plain names through this HTTP proxy; without it `*_URL` says where they are. */
  readonly proxyUrl?: string
  /** Told where a service listens before the next one starts. */
  readonly onListening?: (name: string, url: string) => void
  /** More environment for every service. */
  readonly env?: Readonly<Record<string, string>>
  /** Told every line a service prints. */
  readonly onLine?: (line: string) => void
}

export interface PlainShop {
  readonly shopUrl: string
  /** Where each service listens, by its name; inventory's second address is `inventory-grpc`. */
  readonly urls: ReadonlyMap<string, string>
  readonly processes: ReadonlyMap<string, ChildProcess>
  /** SIGTERM to all, and waits until they have ended. */
  stop(): Promise<void>
}

const startTimeoutMs = 20_000
// Each after those it needs.
const order = ['catalog', 'inventory', 'customers', 'payments', 'delivery', 'orders', 'web'] as const

/** Starts all services; rejects, with everything stopped again, if one does not come up. */
export async function startPlainShop(options: PlainShopOptions): Promise<PlainShop> {
  const processes = new Map<string, ChildProcess>()
  const urls = new Map<string, string>()
  const stop = async (): Promise<void> => {
    await Promise.all([...processes.values()].reverse().map(endProcess))
  }
  try {
    for (const name of order) {
      const env = {
        ...baseEnv(options),
        ...addresses(urls, options.proxyUrl),
        PORT: name === 'web' ? String(options.port ?? 0) : '0',
      }
      const child = spawn(process.execPath, [`services/${name}/main.ts`], {
        cwd: import.meta.dirname,
        env,
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      processes.set(name, child)
      for (const url of await listeningUrls(name, child, options.onLine)) {
        const known = url.startsWith('grpc:') ? `${name}-grpc` : name
        urls.set(known, url)
        options.onListening?.(known, url)
      }
    }
  } catch (error) {
    await stop()
    throw error
  }
  return { shopUrl: urls.get('web') ?? '', urls, processes, stop }
}

function baseEnv(options: PlainShopOptions): NodeJS.ProcessEnv {
  return {
    PATH: process.env['PATH'],
    HOST: '127.0.0.1',
    DATA_DIR: options.dataDir,
    GRPC_PORT: '0',
    CATALOG_VERSION: 'v1',
    TEST_ENDPOINTS: '1',
    DELIVERY_STAGE_MS: '1000',
    ...options.env,
  }
}

function addresses(urls: ReadonlyMap<string, string>, proxyUrl: string | undefined): Record<string, string> {
  const env: Record<string, string> = {}
  if (proxyUrl !== undefined)
    Object.assign(env, { HTTP_PROXY: proxyUrl, http_proxy: proxyUrl, NODE_USE_ENV_PROXY: '1' })
  else for (const [name, url] of urls) env[`${name.toUpperCase().replace('-', '_')}_URL`] = url
  const grpc = URL.parse(urls.get('inventory-grpc') ?? '')
  if (grpc !== null && proxyUrl === undefined) env['INVENTORY_GRPC_TARGET'] = grpc.host
  const inventory = URL.parse(urls.get('inventory') ?? '')
  if (inventory !== null) {
    env['INVENTORY_SERVICE_HOST'] = inventory.hostname
    env['INVENTORY_SERVICE_PORT'] = inventory.port
  }
  return env
}

function listeningUrls(name: string, child: ChildProcess, onLine: PlainShopOptions['onLine']): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${name} did not listen in time`)), startTimeoutMs)
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`${name} ended with ${code}`)))
    if (child.stdout === null) return
    createInterface({ input: child.stdout }).on('line', (line) => {
      onLine?.(line)
      const [, ...urls] = / listening on (\S+)(?: and (\S+))?$/.exec(line) ?? []
      if (urls.length === 0) return
      clearTimeout(timer)
      resolve(urls.filter((url) => url !== undefined))
    })
  })
}

function endProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve()
  return new Promise((resolve) => {
    child.once('exit', () => resolve())
    child.kill('SIGTERM')
  })
}
