// A device: a small MQTT 3.1.1 client written from the standard, in a process of its own, so that samples come over TCP as from the
// street. Run as a program it publishes the lines of its standard input ("<payload>\n") with QoS 1 and prints "acked <n>" for each.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const text = (s) => {
  const bytes = Buffer.from(s)
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes])
}

/** A control packet with its remaining length (MQTT 3.1.1 §2.2.3). */
function packet(head, ...parts) {
  const body = Buffer.concat(parts)
  const length = []
  let left = body.length
  do {
    length.push((left & 127) | (left > 127 ? 128 : 0))
    left >>= 7
  } while (left > 0)
  return Buffer.concat([Buffer.from([head, ...length]), body])
}

/** Connects, and gives publish(payload), which resolves when the broker has acknowledged. */
export async function dial({ port, code, key, topic }) {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  const waiting = new Map()
  let rest = Buffer.alloc(0)
  const connack = new Promise((resolve, reject) => {
    waiting.set('connack', (answer) => (answer[3] === 0 ? resolve() : reject(new Error(`refused with ${answer[3]}`))))
    socket.on('close', () => reject(new Error('the broker hung up')))
    socket.on('error', reject)
  })
  socket.on('data', (chunk) => {
    rest = Buffer.concat([rest, chunk])
    while (rest.length >= 2 && rest.length >= 2 + rest[1]) {
      const one = rest.subarray(0, 2 + rest[1])
      rest = rest.subarray(2 + rest[1])
      const kind = one[0] >> 4
      if (kind === 2) waiting.get('connack')(one)
      if (kind === 4) waiting.get(one.readUInt16BE(2))?.()
    }
  })
  // CONNECT §3.1: user name, password, clean session
  socket.write(packet(0x10, text('MQTT'), Buffer.from([4, 0xc2, 0, 60]), text(code), text(code), text(key)))
  await connack
  let id = 0
  return {
    publish: (payload) =>
      new Promise((resolve) => {
        id += 1
        waiting.set(id, resolve)
        socket.write(packet(0x32, text(topic), Buffer.from([id >> 8, id & 255]), Buffer.from(payload)))
      }),
    close: () => socket.end(packet(0xe0)),
  }
}

/** Starts a device in another process; say(payload) resolves when the broker has acknowledged. */
export function startDevice(options) {
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url), JSON.stringify(options)], { stdio: ['pipe', 'pipe', 'inherit'] })
  const answers = createInterface({ input: child.stdout })
  const waiting = []
  answers.on('line', () => waiting.shift()?.())
  return {
    say: (payload) =>
      new Promise((resolve) => {
        waiting.push(resolve)
        child.stdin.write(`${JSON.stringify(payload)}\n`)
      }),
    stop: () => child.stdin.end(),
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const device = await dial(JSON.parse(process.argv[2]))
  let n = 0
  for await (const line of createInterface({ input: process.stdin })) {
    await device.publish(line)
    console.log(`acked ${(n += 1)}`)
  }
  device.close()
}
