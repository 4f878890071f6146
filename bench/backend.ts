// The benchmark's backend: nginx with bench/peers/backend.nginx.conf (or, with `grpc`, grpc.backend.nginx.conf) on HOST:PORT, ended by SIGTERM.
import { spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const dir = mkdtempSync(join(tmpdir(), 'weft-bench-'))
const grpc = process.argv[2] === 'grpc'
const file = grpc ? 'grpc.backend.nginx.conf' : 'backend.nginx.conf'
// A length-prefixed message of gRPC: no compression, 128 bytes.
const body = grpc ? `\\x00\\x00\\x00\\x00\\x80${'x'.repeat(128)}` : 'x'.repeat(1024)
const template = readFileSync(join(import.meta.dirname, 'peers', file), 'utf8')
const conf = template
  .replaceAll('@DIR@', dir)
  .replaceAll('@HOST@', process.env['HOST'] ?? '127.0.0.1')
  .replaceAll('@PORT@', process.env['PORT'] ?? '8080')
  .replaceAll('@BODY@', body)
writeFileSync(join(dir, 'nginx.conf'), conf)
// A hole: takes no room on the disk. nginx's worker is nobody, and must be able to get there.
chmodSync(dir, 0o755)
writeFileSync(join(dir, 'big'), '')
truncateSync(join(dir, 'big'), 1024 ** 3)
const child = spawn('nginx', ['-c', join(dir, 'nginx.conf'), '-p', dir], { stdio: ['ignore', 'inherit', 'inherit'] })
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => child.kill('SIGQUIT'))
child.on('exit', (code) => {
  rmSync(dir, { recursive: true, force: true })
  process.exit(code ?? 0)
})
