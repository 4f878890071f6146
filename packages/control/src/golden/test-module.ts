// A module for tests, put together by hand: it adds its own configuration to every response as the header `x-module`.

const i32 = 0x7f
/** Where the module keeps things in its memory. */
const at = { name: 0, configPointer: 128, configSize: 132, label: 512, allocated: 4096 }
const responseHeaders = 2
const pluginConfiguration = 7

function number(value: number): number[] {
  const bytes: number[] = []
  for (let rest = value; ; rest >>= 7) {
    const last = rest < 64
    bytes.push(last ? rest & 0x7f : (rest & 0x7f) | 0x80)
    if (last) return bytes
  }
}

function size(value: number): number[] {
  return value < 128 ? [value] : [(value & 0x7f) | 0x80, ...size(value >> 7)]
}

function text(value: string): number[] {
  return [...size(value.length), ...Buffer.from(value)]
}

function list(items: readonly (readonly number[])[]): number[] {
  return [...size(items.length), ...items.flat()]
}

function section(id: number, content: readonly number[]): number[] {
  return [id, ...size(content.length), ...content]
}

function type(parameters: number, results: 0 | 1): number[] {
  return [0x60, ...list(Array.from({ length: parameters }, () => [i32])), ...list(results === 1 ? [[i32]] : [])]
}

function push(value: number): number[] {
  return [0x41, ...number(value)]
}

function load(address: number): number[] {
  return [...push(address), 0x28, 2, 0]
}

function body(...code: number[][]): number[] {
  const bytes = [0, ...code.flat(), 0x0b]
  return [...size(bytes.length), ...bytes]
}

const call = (index: number): number[] => [0x10, index]
const drop = [0x1a]

/** The functions of the module: how proxies call them, of which type, and what they do. */
const functions: readonly { readonly name: string; readonly type: number; readonly body: number[] }[] = [
  { name: 'proxy_abi_version_0_2_1', type: 4, body: body() },
  { name: 'proxy_on_context_create', type: 1, body: body() },
  { name: 'proxy_on_memory_allocate', type: 2, body: body(push(at.allocated)) },
  { name: 'proxy_on_vm_start', type: 5, body: body(push(1)) },
  {
    name: 'proxy_on_configure',
    type: 5,
    body: body(
      push(pluginConfiguration),
      push(0),
      push(1024),
      push(at.configPointer),
      push(at.configSize),
      [...call(1), ...drop],
      push(1),
    ),
  },
  {
    name: 'proxy_on_response_headers',
    type: 3,
    body: body(
      push(responseHeaders),
      push(at.name),
      push('x-module'.length),
      load(at.configPointer),
      load(at.configSize),
      [...call(0), ...drop],
      push(0),
    ),
  },
]
const imports = ['proxy_add_header_map_value', 'proxy_get_buffer_bytes']

/** The bytes of the module; modules of different labels share no memory, as those of the same bytes do. */
export function testModule(label = ''): Buffer {
  const exported = functions.map(({ name }, index) => [...text(name), 0, imports.length + index])
  return Buffer.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, list([type(5, 1), type(2, 0), type(1, 1), type(3, 1), type(0, 0), type(2, 1)])),
    ...section(2, list(imports.map((name) => [...text('env'), ...text(name), 0, 0]))),
    ...section(3, list(functions.map((one) => [one.type]))),
    ...section(5, list([[0, 1]])),
    ...section(7, list([...exported, [...text('memory'), 2, 0]])),
    ...section(10, list(functions.map((one) => one.body))),
    ...section(11, list([
        [0, ...push(at.name), 0x0b, ...text('x-module')],
        [0, ...push(at.label), 0x0b, ...text(label)],
      ])),
  ])
}
