// One proxy in a process of its own, for tests that count what it does: argv holds its configuration, stdout gets the port of `in`.
import { type JsonConfig, startProxy } from './proxy-under-test.ts'

const proxy = await startProxy(JSON.parse(String(process.argv[2])) as JsonConfig)
process.stdout.write(`${proxy.portOf('in')}\n`)
