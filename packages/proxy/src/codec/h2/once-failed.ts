// Inputs of the properties in h2.fuzz.test.ts that once failed: each is tried first, every time.
import { Buffer } from 'node:buffer'
import { frame, headFrame, numbers, requestFields, settings } from './h2-under-test.ts'

/** What a client sends behind its preface, and where it is cut. */
export const onceFailedAtServers: [Buffer, number[]][] = [
  // A window of 50 bytes that lets a waiting answer go, and right behind it a frame that ends the connection.
  [
    Buffer.concat([settings([4, 0]), headFrame(1, requestFields()), settings([4, 50]), headFrame(0, requestFields())]),
    [Buffer.concat([settings([4, 0]), headFrame(1, requestFields()), settings([4, 50])]).length],
  ],
  // The same by WINDOW_UPDATE, of the stream and of the connection, before a frame that has an answer of its own.
  ...[0, 1].map((id): [Buffer, number[]] => {
    const waits = [settings([4, 0]), headFrame(1, requestFields()), frame(8, 0, id, numbers(100))]
    return [
      Buffer.concat([...waits, frame(8, 0, 1, numbers(1)), frame(6, 0, 0, 'pingping')]),
      [Buffer.concat(waits).length],
    ]
  }),
]
