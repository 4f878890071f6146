// Arms that are other programs: nginx and haproxy with hand-written configurations doing the same work.
import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort, whenListening } from '@weft/testkit/ports'
import { type Arm, coreOfOthers, pin, renderConfig, startProgram, stopChild } from './arm.ts'
import { processTree } from './cpu.ts'

/** Scratch files and the backend that the peers share. */
export interface PeerGround {
  readonly dir: string
  readonly backend: string
  stop(): Promise<void>
}

/** Starts the shared backend (nginx, one worker, 1 kB) on the core of the others. */
export async function startGround(): Promise<PeerGround> {
  const dir = mkdtempSync(join(tmpdir(), 'weft-bench-peers-'))
  const port = await freePort()
  const child = spawn(process.execPath, [join(import.meta.dirname, 'backend.ts')], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, HOST: '127.0.0.1', PORT: String(port) },
  })
  await whenListening(port)
  pin(processTree(child.pid as number), coreOfOthers)
  makeCertificates(dir)
  return {
    dir,
    backend: `127.0.0.1:${port}`,
    stop: async () => {
      await stopChild(child)
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

function makeCertificates(dir: string): void {
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { cwd: dir, stdio: 'ignore' })
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  openssl('req', '-x509', ...key, '-keyout', 'root.key', '-out', 'root.pem', '-days', '2', '-subj', '/CN=bench root')
  openssl('req', ...key, '-keyout', 'leaf.key', '-out', 'leaf.csr', '-subj', '/CN=bench.example')
  writeFileSync(join(dir, 'leaf.ext'), 'subjectAltName=DNS:bench.example\nextendedKeyUsage=serverAuth,clientAuth\n')
  openssl(
    'x509',
    '-req',
    '-in',
    'leaf.csr',
    '-CA',
    'root.pem',
    '-CAkey',
    'root.key',
    '-CAcreateserial',
    '-days',
    '2',
    '-extfile',
    'leaf.ext',
    '-out',
    'leaf.pem',
  )
  writeFileSync(
    join(dir, 'both.pem'),
    readFileSync(join(dir, 'leaf.pem'), 'utf8') + readFileSync(join(dir, 'leaf.key'), 'utf8'),
  )
}

/** One hop or an mTLS pair (`pair-h2`: HTTP/2 between its two hops; `bulk`: TCP inside TLS; `bytes`: one hop that reads nothing) through nginx or haproxy. */
export async function startPeer(
  program: 'nginx' | 'haproxy',
  kind: 'plain' | 'pair' | 'pair-h2' | 'bulk' | 'bytes',
  ground: PeerGround,
): Promise<Arm> {
  const port = await freePort()
  const template = `${kind}.${program === 'nginx' ? 'nginx.conf' : 'haproxy.cfg'}`
  const config = renderConfig(template, ground.dir, { PORT: port, TLSPORT: await freePort(), BACKEND: ground.backend })
  const command = program === 'nginx' ? ['nginx', '-c', config, '-p', ground.dir] : ['haproxy', '-db', '-f', config]
  const name = kind === 'pair-h2' ? `${program} h2` : kind === 'bytes' ? `${program} bytes` : program
  return startProgram(name, command, port, `http://${ground.backend}/`)
}
