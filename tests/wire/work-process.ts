// One proxy in a process of its own, for tests that count what it does: argv holds the upstream's port, stdout gets ours.
import { everythingTo, httpListener, startProxy, staticCluster } from './proxy-under-test.ts'

const proxy = await startProxy({
  listeners: [httpListener('in', everythingTo('b'))],
  clusters: [staticCluster('b', [Number(process.argv[2])])],
})
process.stdout.write(`${proxy.portOf('in')}\n`)
