// Imported for what it does, and first: what a proxy asks of V8. As flags on the command line the same would cost more than it saves:
// Node carries its own modules compiled, for the flags it was built with, and compiles them anew in a process that was started with others.
//
// Without Maglev, the compiler between the quick one and the optimising one: its work leaves 10 to 14 MB in the heap of malloc, and what
// runs for as long as a proxy does is TurboFan's code within seconds. One compilation at a time: two at once need twice the memory at
// their peak. None before `compileWhatIsHot`. See docs/decisions/0042-what-an-idle-proxy-gives-back.md.
import { setFlagsFromString } from 'node:v8'

/** What a proxy needs of Node, loaded while its compiled code still fits. */
const modules = ['node:net', 'node:tls', 'node:crypto', 'node:fs', 'node:dgram', 'node:dns', 'node:cluster', 'node:vm']
for (const name of modules) process.getBuiltinModule(name)
setFlagsFromString('--no-maglev')
setFlagsFromString('--concurrent-turbofan-max-threads=1')
setFlagsFromString('--no-opt')

/** Lets what runs often be optimised from now on. Before it serves, a process does nothing often enough to be worth the compiler's 6 MB of code. */
export function compileWhatIsHot(): void {
  setFlagsFromString('--opt')
}
